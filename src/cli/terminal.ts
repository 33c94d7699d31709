/** Where the commands print, and how a person's terminal looks. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** A person watches: trees may redraw themselves. */
  interactive: boolean
  paint: Paint
}

export type Paint = Record<'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold', (text: string) => string>

const codes = { green: 32, red: 31, yellow: 33, cyan: 36, dim: 2, bold: 1 }

/** Colours only on a terminal and without NO_COLOR (any value), as https://no-color.org asks. */
export function systemTerminal(): Terminal {
  const interactive = Boolean(process.stdout.isTTY) && process.env['TERM'] !== 'dumb' && !process.env['CI']
  const colour = Boolean(process.stdout.isTTY) && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
  const paint = Object.fromEntries(
    Object.entries(codes).map(([name, code]) => [
      name,
      (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text),
    ]),
  ) as Paint
  return {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    interactive,
    paint,
  }
}
