import { expect, it } from 'vitest'
import { deadPortRules } from './network-checks.ts'

const listing = `-P PREROUTING ACCEPT
-N CNI-DN-aaa
-N CNI-DN-bbb
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"optiflow\\" id: \\"0a1b\\"" -m multiport --dports 8080 -j CNI-DN-aaa
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"optiflow\\" id: \\"2c3d\\"" -m multiport --dports 8081 -j CNI-DN-bbb
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"podman\\" id: \\"4e5f\\"" -m multiport --dports 8082 -j CNI-DN-ccc
-A CNI-DN-aaa -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.244.0.5:80`

it('rules of host ports are dead when their sandbox is, and ours alone', () => {
  expect(deadPortRules(listing, 'optiflow', new Set(['2c3d']))).toEqual([
    {
      chain: 'CNI-DN-aaa',
      id: '0a1b',
      script: `*nat
-D CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"optiflow\\" id: \\"0a1b\\"" -m multiport --dports 8080 -j CNI-DN-aaa
-F CNI-DN-aaa
-X CNI-DN-aaa
COMMIT
`,
    },
  ])
})
