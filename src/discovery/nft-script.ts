import { emptyRules, masqueradeMark, type RuleSet } from './service-rules.ts'

/** Text for `nft -f -` that makes the table anew, whatever it was: one transaction. */
export function wholeTable(table: string, wanted: RuleSet): string {
  const refuse = (hook: string) => [
    `  chain refuse-${hook} {`,
    `    type filter hook ${hook} priority -10; policy accept;`,
    '    ct state new jump refuse',
    '  }',
  ]
  return [
    `add table ip ${table}`,
    `delete table ip ${table}`,
    `table ip ${table} {`,
    '  map cluster-ips { type ipv4_addr . inet_proto . inet_service : verdict; }',
    '  map node-ports { type inet_proto . inet_service : verdict; }',
    '  set without-endpoints { type ipv4_addr . inet_proto . inet_service; }',
    '  chain services {',
    '    ip daddr . meta l4proto . th dport vmap @cluster-ips',
    '    fib daddr type local meta l4proto . th dport vmap @node-ports',
    '  }',
    '  chain refuse {',
    '    meta l4proto tcp ip daddr . meta l4proto . th dport @without-endpoints reject with tcp reset',
    '    ip daddr . meta l4proto . th dport @without-endpoints reject',
    '  }',
    '  chain prerouting {',
    '    type nat hook prerouting priority dstnat; policy accept;',
    '    jump services',
    '  }',
    '  chain output {',
    '    type nat hook output priority -100; policy accept;',
    '    jump services',
    '  }',
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    `    meta mark and ${masqueradeMark} == ${masqueradeMark} masquerade fully-random`,
    '    ip saddr 127.0.0.0/8 ct status dnat masquerade',
    '  }',
    ...['input', 'forward', 'output'].flatMap(refuse),
    '}',
    ...difference(table, emptyRules(), wanted),
    '',
  ].join('\n')
}

/** Statements that turn `old` into `wanted`: what is new, then the maps that lead to it, then the end of what no map leads to. */
export function difference(table: string, old: RuleSet, wanted: RuleSet): string[] {
  const out: string[] = []
  for (const [name, body] of wanted.sets) if (!old.sets.has(name)) out.push(`add set ip ${table} ${name} { ${body} }`)

  const changed = [...wanted.chains].filter(([name, rules]) => old.chains.get(name)?.join('\n') !== rules.join('\n'))
  for (const [name] of changed) out.push(`add chain ip ${table} ${name}`)
  for (const [name, rules] of changed) {
    if (old.chains.has(name)) out.push(`flush chain ip ${table} ${name}`)
    for (const rule of rules) out.push(`add rule ip ${table} ${name} ${rule}`)
  }

  const elements = (verb: 'add' | 'delete', holder: string, list: string[]) => {
    if (list.length) out.push(`${verb} element ip ${table} ${holder} { ${list.join(', ')} }`)
  }
  for (const [holder, was, now] of [
    ['cluster-ips', old.clusterIps, wanted.clusterIps],
    ['node-ports', old.nodePorts, wanted.nodePorts],
  ] as const) {
    const text = ([key, verdict]: [string, string]) => `${key} : ${verdict}`
    elements('delete', holder, [...was].filter(([key, verdict]) => now.get(key) !== verdict).map(text))
    elements('add', holder, [...now].filter(([key, verdict]) => was.get(key) !== verdict).map(text))
  }
  elements(
    'delete',
    'without-endpoints',
    [...old.withoutEndpoints].filter(k => !wanted.withoutEndpoints.has(k)),
  )
  elements(
    'add',
    'without-endpoints',
    [...wanted.withoutEndpoints].filter(k => !old.withoutEndpoints.has(k)),
  )

  const dead = [...old.chains.keys()].filter(name => !wanted.chains.has(name))
  for (const name of dead) out.push(`flush chain ip ${table} ${name}`)
  for (const name of dead) out.push(`delete chain ip ${table} ${name}`)
  for (const name of old.sets.keys()) if (!wanted.sets.has(name)) out.push(`delete set ip ${table} ${name}`)
  return out
}
