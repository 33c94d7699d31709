export interface Gvk {
  group: string
  version: string
  kind: string
}

export type Action =
  | ('get' | 'list' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection')
  | ('watch' | 'watchlist' | 'connect')

/** One method of one path, before it is written in the words of OpenAPI 2 or 3. */
export interface Operation {
  path: string
  method: 'get' | 'put' | 'post' | 'delete' | 'patch' | 'head' | 'options'
  /** As upstream's generators of clients expect it: `listCoreV1NamespacedPod`. */
  id: string
  /** What it is collected under: `apps_v1`. */
  tag: string
  description: string
  /** Undefined for paths that are of no resource. */
  action?: Action
  gvk?: Gvk
  /** Schema of the body, if it takes one; `patch`: any patch. */
  body?: string | 'patch'
  /** Schema of the answer; undefined: text. */
  answer?: string
  /** Which kind the answer is, where it is another than `gvk`. */
  answerKind?: Gvk
  /** Types of the answer, where they are not those of objects. */
  media?: string[]
  /** Statuses besides 200 that come with the same answer. */
  also: (201 | 202)[]
  /** Names of query parameters. */
  query: QueryParameter[]
  pathParameters: ('namespace' | 'name' | 'path')[]
  /** A kind that nobody has compiled in: no protobuf, and no patches that need to know it. */
  custom: boolean
}

/** What lists and watches can be asked with. */
export const listQuery: QueryParameter[] = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'pretty',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
]

export type QueryParameter = keyof typeof queryParameters

const text = 'string' as const
const yesNo = 'boolean' as const
const integer = 'integer' as const

/** What can stand behind the question mark, with what it does. */
export const queryParameters = {
  pretty: { type: text, description: 'Asks for readable output; the spaces, not the content.' },
  dryRun: { type: text, description: 'With "All" everything happens but the writing.' },
  fieldManager: { type: text, description: 'Who makes this change.' },
  fieldValidation: {
    type: text,
    description: 'What becomes of unknown and duplicate fields: Ignore, Warn (default) or Strict.',
  },
  force: { type: yesNo, description: 'Takes fields over from other managers. Server-side apply only.' },
  labelSelector: { type: text, description: 'Only objects with these labels, such as app=web,tier!=db.' },
  fieldSelector: { type: text, description: 'Only objects with these fields, such as status.phase=Running.' },
  limit: { type: integer, description: 'At most so many objects; the answer says how to go on.' },
  continue: { type: text, description: 'Goes on where an earlier list ended.' },
  resourceVersion: { type: text, description: 'How old the answer may be, or where a watch starts.' },
  resourceVersionMatch: { type: text, description: 'Exact or NotOlderThan.' },
  timeoutSeconds: { type: integer, description: 'Ends a watch after so many seconds.' },
  watch: { type: yesNo, description: 'Streams changes instead of a list.' },
  allowWatchBookmarks: { type: yesNo, description: 'Lets the server say from time to time how far it has got.' },
  sendInitialEvents: { type: yesNo, description: 'Begins a watch with everything there is.' },
  gracePeriodSeconds: { type: integer, description: 'How long it may take to stop; 0 at once.' },
  propagationPolicy: { type: text, description: 'What becomes of dependents: Background, Foreground or Orphan.' },
  ignoreStoreReadErrorWithClusterBreakingPotential: {
    type: yesNo,
    description: 'Deletes what cannot be read, if the store says that it is beyond repair.',
  },
  orphanDependents: { type: yesNo, description: 'Older form of propagationPolicy.' },
  container: { type: text, description: 'Whose log; may be left out where a pod has only one container.' },
  follow: { type: yesNo, description: 'Goes on with what is written from now on.' },
  insecureSkipTLSVerifyBackend: {
    type: yesNo,
    description: 'Does not check the certificate of the node that is asked.',
  },
  limitBytes: { type: integer, description: 'Ends after so many bytes.' },
  previous: { type: yesNo, description: 'What the container wrote before it was last restarted.' },
  sinceSeconds: { type: integer, description: 'What was written in the last so many seconds.' },
  stream: { type: text, description: 'All, Stdout or Stderr.' },
  tailLines: { type: integer, description: 'So many of the last lines.' },
  timestamps: { type: yesNo, description: 'Begins each line with the time at which it was written.' },
  command: { type: text, description: 'What to run; each argument is one more of these.' },
  stdin: { type: yesNo, description: 'Passes on what the client sends.' },
  stdout: { type: yesNo, description: 'Gives what is written to standard output.' },
  stderr: { type: yesNo, description: 'Gives what is written to standard error.' },
  tty: { type: yesNo, description: 'As on a terminal: one stream for both outputs.' },
  ports: { type: integer, description: 'To which ports of the pod connections may be made.' },
  path: { type: text, description: 'What to ask for there.' },
} as const

export const statusWords = { 201: 'Created', 202: 'Accepted' } as const

/** A list of this name, where there is something in it: Go's types do not write an empty one, so it would not come back as it was. */
export function unlessEmpty<T>(list: Record<string, T[]>): Record<string, T[]> {
  return Object.values(list).some(items => items.length > 0) ? list : {}
}
