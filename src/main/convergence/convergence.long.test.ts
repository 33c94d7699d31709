import { expect, it } from 'vitest'
import { explore, report } from './explore.ts'
import { stories } from './stories/index.ts'

// Every trouble after every write of every story, but for stories that are slow to tell. STORY=part of its name tells one alone.
const { STORY = '' } = process.env

it.each(stories.filter(s => s.name.includes(STORY)))('$name, whatever befalls the controllers', async story => {
  const { each = 1 } = story
  const found = await explore(story, all => all.filter((_, i) => i % each === 0))
  console.log(report(found))
  expect(found.divergences.map(d => d.trouble)).toEqual([])
})
