import type { Clock } from '../../base/clock.ts'
import { loadGrpc } from '../../base/grpc/late.ts'
import { bracketed } from '../../base/ip.ts'
import type { GRPCAction } from '../../models/types/core-v1.ts'
import type { Answer } from './answer.ts'

/** grpc.health.v1.HealthCheckRequest { string service = 1 } */
function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service)
  return name.length ? Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]) : Buffer.alloc(0)
}

/** HealthCheckResponse { ServingStatus status = 1 }: 1 is SERVING. */
function decodeStatus(bytes: Buffer): number {
  return bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]
}

/** gRPC's code. */
const unimplemented = 12
const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** Asks grpc.health.v1.Health/Check on a port of the pod, without TLS. */
export async function checkGrpcHealth(
  clock: Clock,
  podIp: string,
  { port, service }: GRPCAction,
  timeoutMs: number,
): Promise<Answer> {
  const { Client, credentials } = await loadGrpc()
  const address = `${bracketed(podIp)}:${port}`
  const client = new Client(address, credentials.createInsecure())
  // A deadline of gRPC's own would be wall time.
  let cancel = () => {}
  let isLate = false
  const late = `timeout: health rpc did not complete within ${timeoutMs / 1000}s`
  const stopWaiting = clock.schedule(timeoutMs, () => {
    isLate = true
    cancel()
  })
  try {
    return await new Promise<Answer>(resolve => {
      const identity = (bytes: Buffer) => bytes
      const call = client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        identity,
        identity,
        encodeRequest(service ?? ''),
        (error, reply) => {
          if (error || !reply) {
            resolve({ ok: false, output: isLate ? late : whyNot(address, error) })
            return
          }
          const status = decodeStatus(reply)
          const output = `service unhealthy (responded with "${statusNames[status] ?? status}")`
          resolve({ ok: status === 1, output: status === 1 ? '' : output })
        },
      )
      cancel = () => call.cancel()
    })
  } finally {
    stopWaiting()
    client.close()
  }
}

function whyNot(address: string, error: { code?: number; message: string } | null): string {
  if (error?.code === unimplemented)
    return 'this server does not implement the grpc health protocol (grpc.health.v1.Health)'
  return `failed to connect service "${address}": ${error?.message ?? 'no reply'}`
}
