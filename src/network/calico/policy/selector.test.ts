import { describe, expect, test } from 'vitest'
import { parseCalicoSelector } from './selector.ts'

const labels = { app: 'web', zone: 'eu-west', 'example.com/tier': 'front' }

describe("a selector in Calico's language", () => {
  test.each([
    ['', true],
    ['all()', true],
    ['global()', true],
    ['has(app)', true],
    ['!has(app)', false],
    ['has(other)', false],
    ['app == "web"', true],
    ["app == 'shop'", false],
    ['app != "shop"', true],
    ['other != "shop"', true],
    ['app in {"shop", "web"}', true],
    ['app not in {"shop"}', true],
    ['other not in {"shop"}', true],
    ['other in {"shop"}', false],
    ['app in {}', false],
    ['zone starts with "eu"', true],
    ['zone ends with "east"', false],
    ['zone contains "-w"', true],
    ['example.com/tier == "front"', true],
    ['app == "shop" || zone contains "west" && has(app)', true],
    ['(app == "shop" || has(app)) && !(zone == "eu-west")', false],
    ['! ! has(app)', true],
  ])('%s is %s', (text, expected) => {
    expect(parseCalicoSelector(text).matches(labels)).toBe(expected)
  })

  test.each([
    ['app ==', 'a text in quotes is missing'],
    ['app = "web"', 'a character that has no place there'],
    ['app like "web"', '"like" is no comparison'],
    ['has(app', '")" is missing'],
    ['app not "web"', 'a name is missing'],
    ['app == "web" zone == "x"', 'something is left over'],
    ['&& app == "web"', 'a name is missing'],
    ['app == "web', 'a character that has no place there'],
  ])('%s is refused: %s', (text, why) => {
    expect(() => parseCalicoSelector(text)).toThrow(`"${text}" is no selector: ${why}`)
  })
})
