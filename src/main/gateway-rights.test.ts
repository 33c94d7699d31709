import { expect, test } from 'vitest'
import { defaultRoles } from '../apiserver/authz/rbac/default-roles.ts'
import { gatewayDefinitions } from '../gateway/index.ts'

test('the gateway may follow every kind that it defines', () => {
  const { rules } = defaultRoles.find(({ name }) => name === 'optiflow:gateway')!
  for (const { kind } of gatewayDefinitions)
    for (const verb of ['get', 'list', 'watch'])
      expect(
        rules.some(
          r => r.apiGroups?.includes(kind.group) && r.resources?.includes(kind.plural) && r.verbs.includes(verb),
        ),
        `${verb} ${kind.plural}`,
      ).toBe(true)
})
