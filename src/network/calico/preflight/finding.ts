/** What one check found on this machine or in this cluster, and what to do about it. */
export interface Finding {
  check: string
  /** `fail`: Calico would not work. `warn`: some of it would not, or it could not be checked. */
  level: 'ok' | 'warn' | 'fail'
  what: string
  /** One thing to do; there whenever the level is not `ok`. */
  fix?: string
}

export const ok = (check: string, what: string): Finding => ({ check, level: 'ok', what })
export const warn = (check: string, what: string, fix: string): Finding => ({ check, level: 'warn', what, fix })
export const fail = (check: string, what: string, fix: string): Finding => ({ check, level: 'fail', what, fix })
