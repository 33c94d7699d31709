import { expect, test } from 'vitest'
import { hasFormat } from './formats.ts'

test.each([
  ['date-time', ['2024-02-29T12:00:00Z', '2024-01-01T00:00:00.123+02:00'], ['2023-02-29T12:00:00Z', '2024-01-01', 'x']],
  ['date', ['2024-02-29'], ['2023-02-29', '2024-1-1']],
  ['duration', ['1h30m', '22 ns', '3 days', '-1.5s', '0'], ['1x', 'h', '']],
  ['ipv4', ['10.0.0.1'], ['10.0.0', '::1']],
  ['ipv6', ['::1'], ['10.0.0.1']],
  ['cidr', ['10.0.0.0/8', 'fd00::/8'], ['10.0.0.0', '10.0.0.0/33']],
  ['mac', ['01:23:45:67:89:ab', '0123.4567.89ab'], ['01:23', '01:23:45:67:89:zz']],
  ['uuid', ['123e4567-e89b-12d3-a456-426614174000', '123E4567E89B12D3A456426614174000'], ['123e4567']],
  ['uuid4', ['f47ac10b-58cc-4372-a567-0e02b2c3d479'], ['123e4567-e89b-12d3-a456-426614174000']],
  ['byte', ['aGVsbG8='], ['', 'a', 'not base64!']],
  ['hostname', ['a', 'example.com', '1.example.com'], ['-a.com', 'a..b', 'a_b.com']],
  ['uri', ['https://example.com/x?y=1', '/path'], ['no uri', 'example.com']],
  ['email', ['a@b.c'], ['a', 'a@', '@b']],
  ['isbn', ['0321751043', '978-0321751041'], ['0321751044']],
  ['creditcard', ['4111 1111 1111 1111'], ['4111 1111 1111 1112']],
  ['hexcolor', ['#fff', 'AABBCC'], ['#ff', 'red']],
  ['rgbcolor', ['rgb(1, 2, 255)'], ['rgb(1,2,256)']],
  ['ssn', ['111-22-3333'], ['1-2-3']],
  ['something else', ['anything'], []],
])('format %s', (format, good, bad) => {
  expect(good.filter(text => !hasFormat(format, text))).toEqual([])
  expect(bad.filter(text => hasFormat(format, text))).toEqual([])
})
