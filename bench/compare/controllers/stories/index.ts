import type { Story } from '../story.ts'
import { clusterStories } from './cluster.ts'
import { deploymentStories } from './deployments.ts'
import { jobStories } from './jobs.ts'
import { replicaStories } from './replicas.ts'
import { serviceStories } from './services.ts'
import { setStories } from './sets.ts'
import { volumeStories } from './volumes.ts'

export const stories: Story[] = [
  ...deploymentStories,
  ...replicaStories,
  ...setStories,
  ...jobStories,
  ...serviceStories,
  ...clusterStories,
  ...volumeStories,
]
