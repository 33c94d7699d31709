/** A field that a setting of ours is the same as. */
export interface HonouredField {
  field: string
  /** Name of the setting: `max-pods` for `--max-pods`. */
  setting: string
  /**
   * The setting's text for a field's value; undefined: the field says nothing, as kubelet takes it.
   * @throws Error saying what the value is not
   */
  text(value: unknown, from: FieldOrigin): string | undefined
  note?: string
}

/** A field whose matter is settled here. */
export interface FixedField {
  field: string
  /** What holds here, for the reader of the documentation. */
  holds: string
  /** True for values that say the same, or nothing. */
  agrees(value: unknown): boolean
  /** What somebody does who wants something else. */
  instead: string
  /** To go on without it would leave open what the field closes, or leave out what it starts: the file is refused. */
  refused?: true
}

export type KubeletField = HonouredField | FixedField

/** Where a value was read. */
export interface FieldOrigin {
  /** Of the file: relative paths are below it, as with kubelet. */
  folder: string
}
