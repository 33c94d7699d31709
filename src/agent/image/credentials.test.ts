import { describe, expect, it } from 'vitest'
import type { Secret } from '../../models/types/core-v1.ts'
import { credentialsFor } from './credentials.ts'

const secret = (auths: object): Secret =>
  ({
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  }) as never
const login = (username: string) => ({ username, password: 'p' })
const users = (image: string, ...secrets: Secret[]) =>
  credentialsFor(image, secrets).map(c => ('username' in c ? c.username : 'token'))

describe('pull secrets', () => {
  const all = secret({
    'https://index.docker.io/v1/': login('hub'),
    'registry.example.com': login('host'),
    'registry.example.com/team': login('team'),
    '*.corp.example': { auth: Buffer.from('wild:p').toString('base64') },
    'localhost:5000': login('port'),
  })
  it.each([
    ['busybox', ['hub']],
    ['docker.io/me/app:1', ['hub']],
    ['registry.example.com/app', ['host']],
    ['registry.example.com/team/app', ['team', 'host']],
    ['registry.example.com/teams/app', ['host']],
    ['a.corp.example/x', ['wild']],
    ['a.b.corp.example/x', []],
    ['corp.example/x', []],
    ['localhost:5000/x', ['port']],
    ['localhost:5001/x', []],
  ])('for %s: %j', (image, wanted) => expect(users(image, all)).toEqual(wanted))

  it('that cannot be read are skipped', () => {
    const broken = { data: { '.dockerconfigjson': '!!' } } as never as Secret
    expect(users('busybox', broken, all)).toEqual(['hub'])
  })
})
