/*
 * Several streams in one WebSocket, as Kubernetes' exec, attach and port-forward have them: the first byte of each message
 * names its channel.
 */

/** Of a program in a container. */
export const commandChannels = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** How it ended. */
  outcome: 3,
  /** Sizes of the terminal. */
  resize: 4,
  /** Version 5: its one byte names a channel that has no more to say. */
  close: 255,
} as const

/** A message in whatever form a WebSocket gives it. */
type RawMessage = Buffer | ArrayBuffer | Buffer[]

export function messageBytes(raw: RawMessage): Buffer {
  if (Buffer.isBuffer(raw)) return raw
  return Array.isArray(raw) ? Buffer.concat(raw) : Buffer.from(raw)
}

export const channelMessage = (channel: number, data: Uint8Array | string): Buffer =>
  Buffer.concat([Buffer.from([channel]), typeof data === 'string' ? Buffer.from(data) : data])

/** Passes on what came from a connection: whoever reads slowly makes the other side wait, not our memory grow. */
export function passOn(from: { pause(): void; resume(): void }, to: NodeJS.WritableStream, data: Uint8Array): void {
  if (to.write(data)) return
  from.pause()
  void drained(to).then(() => from.resume())
}

/** Resolves when the stream takes more, or nothing any more. */
export function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      // Neither may stay: a stream fills up thousands of times.
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
  })
}
