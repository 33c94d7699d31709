import type { ObjectKey } from '../models/object.ts'
import type { EndpointSlice } from '../models/types/discovery-v1.ts'
import { type Desired, endpointKey, maxEndpointsPerSlice, type SlicePlan } from './slice-plan.ts'

/** What one look at a Service's slices found and changed. */
export interface SliceReport {
  /** Endpoints that there should be, and in how many slices they would fit. */
  desired: number
  wantedSlices: number
  /** Slices there are after it. */
  slices: number
  added: number
  removed: number
  changes: { create: number; update: number; delete: number }
}

/** Told of every look at the slices of a Service. */
export interface SliceMonitor {
  synced(service: ObjectKey, report: SliceReport): void
  failed(): void
  /** The Service is gone. */
  forgotten(service: ObjectKey): void
}

export function sliceReport(
  existing: readonly EndpointSlice[],
  desired: readonly Desired[],
  plan: SlicePlan,
): SliceReport {
  const before = new Set(existing.flatMap(s => (s.endpoints ?? []).map(endpointKey)))
  const after = new Set(desired.flatMap(d => d.endpoints.map(endpointKey)))
  const missing = (all: Set<string>, from: Set<string>) => [...all].filter(key => !from.has(key)).length
  return {
    desired: after.size,
    wantedSlices: desired.reduce((n, d) => n + Math.max(Math.ceil(d.endpoints.length / maxEndpointsPerSlice), 1), 0),
    slices: existing.length + plan.create.length - plan.remove.length,
    added: missing(after, before),
    removed: missing(before, after),
    changes: { create: plan.create.length, update: plan.update.length, delete: plan.remove.length },
  }
}
