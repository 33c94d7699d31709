/** What a program inside a simulated container sees. */
export interface ShellWorld {
  hostname: string
  env: { name: string; value: string }[]
  nowMs: number
}

export interface ShellAnswer {
  exitCode: number
  stdout: string
  stderr: string
  /** It would have run so long. */
  tookMs: number
}

/**
 * A few programs, well enough that probes, hooks and curious people get an answer: echo, cat, env, hostname, sleep, exit,
 * true, false, date, ls, and `sh -c` of those joined by `;` and `&&`. Anything else says that it is simulated and succeeds.
 */
export function runCommand(command: readonly string[], world: ShellWorld): ShellAnswer {
  const [program = '', ...args] = command
  switch (program.replace(/^.*\//, '')) {
    case 'true':
    case ':':
      return answer(0)
    case 'false':
      return answer(1)
    case 'exit':
      return answer(Number(args[0] ?? 0) & 255)
    case 'echo':
      return answer(0, args[0] === '-n' ? args.slice(1).join(' ') : `${args.join(' ')}\n`)
    case 'hostname':
      return answer(0, `${world.hostname}\n`)
    case 'env':
    case 'printenv':
      return answer(0, world.env.map(e => `${e.name}=${e.value}\n`).join(''))
    case 'date':
      return answer(0, `${new Date(world.nowMs).toUTCString()}\n`)
    case 'sleep':
      return { ...answer(0), tookMs: (Number.parseFloat(args[0] ?? '0') || 0) * 1000 }
    case 'ls':
      return answer(0, 'bin\ndev\netc\nproc\nsys\ntmp\n')
    case 'cat':
      return args[0] === '/etc/hostname'
        ? answer(0, `${world.hostname}\n`)
        : args.length
          ? answer(1, '', `cat: can't open '${args[0]}': No such file or directory\n`)
          : answer(0)
    case 'sh':
    case 'ash':
    case 'bash':
      return args[0] === '-c' ? runScript(args[1] ?? '', world) : answer(0)
    default:
      return answer(0, `simulated: ${command.join(' ')}\n`)
  }
}

/** Commands joined by `;`, new lines and `&&`; `>&2` sends output to standard error. */
export function runScript(script: string, world: ShellWorld): ShellAnswer {
  const all = answer(0)
  for (const line of script.split(/;|\n/)) {
    for (const part of line.split('&&')) {
      const words = splitWords(part, world)
      if (!words.length) continue
      const toError = words.includes('>&2')
      const one = runCommand(
        words.filter(w => w !== '>&2'),
        world,
      )
      all.exitCode = one.exitCode
      all.stdout += toError ? '' : one.stdout
      all.stderr += toError ? one.stdout + one.stderr : one.stderr
      all.tookMs += one.tookMs
      if (words[0] === 'exit') return all
      if (one.exitCode !== 0) break
    }
  }
  return all
}

/** Words of a shell line: quotes and `$NAME` are understood, nothing else is. */
function splitWords(line: string, world: ShellWorld): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) =>
      single ??
      (double ?? bare ?? '').replace(/\$\{?(\w+)\}?/g, (_, name) => world.env.find(e => e.name === name)?.value ?? ''),
  )
}

function answer(exitCode: number, stdout = '', stderr = ''): ShellAnswer {
  return { exitCode, stdout, stderr, tookMs: 0 }
}
