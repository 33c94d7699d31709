import { explain } from '../base/errors.ts'
import { quantityToFloat } from '../base/quantity.ts'
import { callJson } from '../client/call-json.ts'
import type { Client } from '../client/client.ts'
import { query } from '../client/paths.ts'

/** One pod's value of one metric. */
export interface PodSample {
  value: number
  /** Wall time. */
  atMs: number
  /** Over which it was measured. */
  windowMs: number
}

/** Where autoscaling gets its numbers. Values are in the metric's own unit: cores, bytes, requests. */
export interface MetricsSource {
  /** Usage of each pod, of one container where given; pods without numbers are missing. */
  resource(namespace: string, name: string, selector: string, container?: string): Promise<Map<string, PodSample>>
  pods(namespace: string, metric: string, selector: string, metricSelector: string): Promise<Map<string, PodSample>>
  /** @param object resource and name, such as `services/web` */
  object(namespace: string, object: string, metric: string, metricSelector: string): Promise<number>
  /** One value for each matching series. */
  external(namespace: string, metric: string, metricSelector: string): Promise<number[]>
}

/** The metrics APIs, as metrics-server and adapters serve them. Rejects where nobody does, with which of them it was. */
export function apiMetrics(client: Client): MetricsSource {
  const get = async (url: string): Promise<any> => {
    try {
      return await callJson(client, 'GET', url)
    } catch (cause) {
      const api = /^\/apis\/(\w+)\.metrics/.exec(url)?.[1] ?? 'resource'
      throw new Error(`unable to fetch metrics from ${api} metrics API: ${explain(cause)}`, { cause })
    }
  }
  return {
    async resource(namespace, name, labelSelector, container) {
      const url = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods${query({ labelSelector })}`
      const samples = new Map<string, PodSample>()
      for (const { metadata, timestamp, window, containers = [] } of (await get(url)).items ?? []) {
        const wanted = container === undefined ? containers : containers.filter((c: any) => c.name === container)
        // A pod of which one container says nothing is worse than one without numbers: it would look idle.
        if (!wanted.length || wanted.some((c: any) => c.usage?.[name] === undefined)) continue
        const value = wanted.reduce((sum: number, c: any) => sum + quantityToFloat(c.usage[name]), 0)
        samples.set(metadata.name, { value, atMs: Date.parse(timestamp), windowMs: durationMs(window) })
      }
      if (!samples.size) throw new Error(`no metrics returned from resource metrics API`)
      return samples
    },
    async pods(namespace, metric, labelSelector, metricLabelSelector) {
      const base = `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/pods/*/${encodeURIComponent(metric)}`
      const { items = [] } = await get(
        base + query({ labelSelector, metricLabelSelector: metricLabelSelector || undefined }),
      )
      return new Map(
        items.map((i: any) => [
          i.describedObject.name,
          { value: quantityToFloat(i.value), atMs: Date.parse(i.timestamp), windowMs: (i.windowSeconds ?? 60) * 1000 },
        ]),
      )
    },
    async object(namespace, object, metric, metricLabelSelector) {
      const url = `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/${object}/${encodeURIComponent(metric)}`
      const { items = [] } = await get(url + query({ metricLabelSelector: metricLabelSelector || undefined }))
      if (!items.length) throw new Error(`no metric ${metric} of ${object}`)
      return quantityToFloat(items[0].value)
    },
    async external(namespace, metric, labelSelector) {
      const url = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric)}`
      const { items = [] } = await get(url + query({ labelSelector: labelSelector || undefined }))
      if (!items.length) throw new Error(`no series of external metric ${metric} match`)
      return items.map((i: any) => quantityToFloat(i.value))
    },
  }
}

/** `30s`, `1m0s`, `1m30.5s`. */
function durationMs(text: string | undefined): number {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
  const parts = [...(text ?? '').matchAll(/([\d.]+)(ms|h|m|s)/g)]
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * units[unit!]!, 0) || 60_000
}
