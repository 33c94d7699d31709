import type { Event } from './types/core-v1.ts'

/** When an event was last seen, whichever of the API's two forms its writer filled in; '' where nobody says. */
export const lastTimeOf = ({ series, lastTimestamp, eventTime, metadata }: Event): string =>
  series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''
