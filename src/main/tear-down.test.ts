import { expect, test } from 'vitest'
import { hintFor } from './tear-down.ts'

test('pods that cannot stop because their network plugin is gone: that is said, and what to do', () => {
  const gone = 'shop/web: cannot stop sandbox 1: failed to destroy network for sandbox "1": cni plugin not initialized'
  expect(hintFor([gone, gone])).toContain('put its configuration back into /etc/cni/net.d')
  expect(hintFor([gone, 'shop/db: device or resource busy'])).toContain('Mend what it says')
})
