export interface Answer {
  ok: boolean
  /** What people read when it is not. */
  output: string
  /** What people should read although it is. */
  warning?: string
}
