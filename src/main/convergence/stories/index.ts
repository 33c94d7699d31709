import type { Story } from '../story.ts'
import { clusterStories } from './cluster.ts'
import { gatewayStories } from './gateway.ts'
import { networkStories } from './network.ts'
import { storageStories } from './storage.ts'
import { workloadStories } from './workloads.ts'

/** At least one about each reconciler. */
export const stories: Story[] = [
  ...workloadStories,
  ...clusterStories,
  ...networkStories,
  ...storageStories,
  ...gatewayStories,
]
