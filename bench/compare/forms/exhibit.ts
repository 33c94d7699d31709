import type { Json } from '../side.ts'

/** One object that has something to show. */
export interface Exhibit {
  /** `/api/v1/namespaces/gallery/pods` */
  path: string
  body: Json
  status?: Json
}

/** By `group/version/plural`, with a `/` behind it for those in namespaces. */
export type Entry = [path: string, name: string, body: Json, status?: Json]

export const namespace = 'gallery'
