import { expect, it } from 'vitest'
import type { Pod, SecurityContext } from '../../models/types/core-v1.ts'
import { admit } from './admission.ts'

it.each<[string, SecurityContext['appArmorProfile'], boolean, string | undefined]>([
  ['a profile', { type: 'RuntimeDefault' }, true, 'AppArmor'],
  ['a profile where there is AppArmor', { type: 'RuntimeDefault' }, false, undefined],
  ['no bounds', { type: 'Unconfined' }, true, undefined],
  ['no word of it', undefined, true, undefined],
])('a pod that wants %s', (_, appArmorProfile, withoutAppArmor, reason) => {
  const node = { name: 'n', labels: {}, allocatable: {}, withoutAppArmor }
  const own = { metadata: {}, spec: { containers: [{ name: 'c', securityContext: { appArmorProfile } }] } }
  const whole = { metadata: {}, spec: { securityContext: { appArmorProfile }, containers: [{ name: 'c' }] } }
  for (const pod of [own, whole]) expect(admit(pod as unknown as Pod, [], node)?.reason).toBe(reason)
})
