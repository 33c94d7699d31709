import { expect, test } from 'vitest'
import { systemOutside } from '../outside.ts'
import { Flags } from './flags.ts'
import { startKubeApiServer } from './kube-apiserver.ts'

test('a file that the flags name and that is not there is named', async () => {
  const flags = new Flags(['--client-ca-file=/nonexistent/ca.crt'])
  await expect(startKubeApiServer(flags, systemOutside())).rejects.toThrow('/nonexistent/ca.crt')
})
