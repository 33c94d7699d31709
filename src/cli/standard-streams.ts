import type { Readable, Writable } from 'node:stream'
import type { TerminalSize } from '../client/index.ts'

/** Where this program's own bytes come from and go to. */
export interface StandardStreams {
  input: Readable
  output: Writable
  errors: Writable
  /** The terminal that a person sits at, if input and output are one. */
  screen?: Screen
}

export interface Screen {
  size(): TerminalSize
  onResize(listener: () => void): void
  /** Every key goes to the program as it is pressed, Ctrl-C too. */
  setRaw(on: boolean): void
}

export function systemStreams(): StandardStreams {
  const { stdin, stdout, stderr } = process
  return {
    input: stdin,
    output: stdout,
    errors: stderr,
    ...(stdin.isTTY && stdout.isTTY
      ? {
          screen: {
            size: () => ({ width: stdout.columns, height: stdout.rows }),
            onResize: listener => void stdout.on('resize', listener),
            setRaw: on => void stdin.setRawMode(on),
          },
        }
      : {}),
  }
}
