import { describe, expect, it } from 'vitest'
import { planPortMapRemoval } from './port-maps.ts'

const policies = ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'].map(chain => `-P ${chain} ACCEPT`)
const common = [
  '-N CNI-HOSTPORT-DNAT',
  '-N CNI-HOSTPORT-MASQ',
  '-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT',
  '-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ',
  '-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE',
]
const plan = (...lines: string[]) => planPortMapRemoval(`${[...policies, ...lines].join('\n')}\n`)

describe('the chains that host ports leave behind', () => {
  it('go when no container uses them', () => {
    expect(plan(...common)).toEqual({
      script: `*nat
-D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-D POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-D CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-X CNI-HOSTPORT-DNAT
-X CNI-HOSTPORT-MASQ
COMMIT
`,
      emptyAfter: true,
    })
  })

  it('stay while a container has a host port', () => {
    expect(plan(...common, '-N CNI-DN-0123456789abcdef01234').script).toBeUndefined()
  })

  it('leave the rules of others, and then the table', () => {
    const docker = plan(...common, '-N DOCKER', '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER')
    expect(docker.script).not.toContain('DOCKER')
    expect(docker.emptyAfter).toBe(false)
  })

  it('may be gone already, and an empty table with them', () => {
    expect(plan()).toEqual({ script: undefined, emptyAfter: true })
    expect(plan('-N DOCKER').emptyAfter).toBe(false)
  })
})
