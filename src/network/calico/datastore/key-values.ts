/** What the etcd datastore needs of etcd: keys and values with compare-and-swap. `main` opens it. */
export interface KeyValues {
  /** For messages. */
  readonly where: string
  get(key: string): Promise<KeyValue | undefined>
  list(prefix: string): Promise<KeyValue[]>
  /**
   * Writes, if the key's revision still is `seen` (undefined: the key must not exist).
   * @returns the new revision; undefined: somebody else was first
   */
  put(key: string, value: string, seen: string | undefined): Promise<string | undefined>
  /** Deletes what was read at `seen`. @returns false when somebody else was first */
  delete(key: string, seen: string): Promise<boolean>
}

export interface KeyValue {
  key: string
  value: string
  /** etcd's mod_revision. */
  revision: string
}
