export interface Answer {
  ok: boolean
  /** What people read when it is not. */
  output: string
}
