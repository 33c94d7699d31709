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

const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** Asks grpc.health.v1.Health/Check on a port of the pod, without TLS. */
export async function checkGrpcHealth(
  podIp: string,
  { port, service }: GRPCAction,
  timeoutMs: number,
): Promise<Answer> {
  // Loaded when first needed: most nodes never see such a probe. Bundled, it has only a default export.
  const { Client, credentials } = (await import('@grpc/grpc-js')).default
  const address = `${bracketed(podIp)}:${port}`
  const client = new Client(address, credentials.createInsecure())
  try {
    return await new Promise<Answer>(resolve => {
      const identity = (bytes: Buffer) => bytes
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        identity,
        identity,
        encodeRequest(service ?? ''),
        { deadline: Date.now() + timeoutMs },
        (error, reply) => {
          if (error || !reply) {
            const missing = error?.code === 12
            const why = missing
              ? 'this server does not implement the grpc health protocol (grpc.health.v1.Health)'
              : `failed to connect service "${address}" within ${timeoutMs / 1000}s: ${error?.message ?? 'no reply'}`
            resolve({ ok: false, output: why })
            return
          }
          const status = decodeStatus(reply)
          const output = `service unhealthy (responded with "${statusNames[status] ?? status}")`
          resolve({ ok: status === 1, output: status === 1 ? '' : output })
        },
      )
    })
  } finally {
    client.close()
  }
}
