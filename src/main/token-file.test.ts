import { expect, test } from 'vitest'
import { readTokenFile } from './token-file.ts'

test('each line of a token file is a user: groups in quotes, or one without, or none', () => {
  expect(readTokenFile('t1,alice,1,"dev,ops"\n\nt2, bob ,2\r\nt3,carol,,admins\n')).toEqual({
    t1: { username: 'alice', uid: '1', groups: ['dev', 'ops'] },
    t2: { username: 'bob', uid: '2', groups: [] },
    t3: { username: 'carol', groups: ['admins'] },
  })
})

test('a line without a uid is named', () => {
  expect(() => readTokenFile('t1,alice,1\nt2,bob')).toThrow('line 2 of the token file')
})
