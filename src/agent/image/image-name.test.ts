import { describe, expect, test } from 'vitest'
import { wrongImageName } from './image-name.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('image names', () => {
  test.each([
    'nginx',
    'nginx:1.27',
    'library/nginx',
    'localhost/x',
    'registry.k8s.io/e2e-test-images/agnhost:2.53',
    'localhost:5000/a/b-c__d.e:v1_2-3',
    '[fd00::1]:5000/a',
    `nginx@${digest}`,
    `quay.io/a/b:1@${digest}`,
    'UPPER.example/a',
  ])('%s is one', image => {
    expect(wrongImageName(image)).toBeUndefined()
  })

  test.each([
    ['', 'invalid reference format'],
    ['INVALID//x', 'invalid reference format'],
    ['a/B', 'invalid reference format: repository name must be lowercase'],
    ['Nginx', 'invalid reference format: repository name must be lowercase'],
    ['nginx:', 'invalid reference format'],
    ['nginx:-x', 'invalid reference format'],
    ['nginx@sha256:12', 'invalid reference format'],
    [' nginx', 'invalid reference format'],
    ['a..b', 'invalid reference format'],
    ['-a', 'invalid reference format'],
    ['a/', 'invalid reference format'],
    ['https://a/b', 'invalid reference format'],
    ['a'.repeat(256), 'repository name must not be more than 255 characters'],
  ])('%j is none', (image, why) => {
    expect(wrongImageName(image)).toBe(why)
  })
})
