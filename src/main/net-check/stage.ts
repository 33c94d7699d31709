/** One thing on the way of a connection. */
export interface Stage {
  /** `name`, `service`, … */
  title: string
  /** `unknown`: it cannot be seen from here, or may be meant so. */
  state: 'ok' | 'broken' | 'unknown'
  text: string
  /** Details, in order. */
  lines: { state: Stage['state']; text: string }[]
  /** One thing to do, where it is broken. */
  act?: string
}

/** The way to one endpoint. */
export interface Branch {
  /** `pod shop/db-1 at 10.244.2.7:5432` */
  to: string
  stages: Stage[]
}

/** The way of a connection, from its source on. */
export interface CheckedPath {
  from: string
  to: string
  protocol: string
  /** Before it is known which endpoint gets the connection. */
  stages: Stage[]
  /** Of each endpoint that may. */
  branches: Branch[]
  /** The first thing that stands in the way. Absent: nothing that can be seen from here. */
  broken?: Stage
}

export const stage = (
  title: string,
  state: Stage['state'],
  text: string,
  more: Partial<Pick<Stage, 'lines' | 'act'>> = {},
): Stage => ({ title, state, text, lines: [], ...more })
