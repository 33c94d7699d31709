import type { Case } from './program.ts'
import type { Both } from './servers.ts'
import type { Json, Question, Side } from './side.ts'
import { type Told, toldBy } from './told.ts'

/** A question, or what it is for one side: its versions and tokens are its own. */
export type Asked = Question | ((side: Side) => Question)

const headers = ['content-type', 'warning']

/** Asks both now, one step of a story in which order counts, and tells of it later. */
export async function told(both: Both, what: string, asked: Asked, change?: (body: Json) => Json): Promise<Case> {
  const answers = new Map<Side, Told>()
  await Promise.all(
    [both.ours, both.theirs].map(async side => {
      const question = typeof asked === 'function' ? asked(side) : asked
      const answer = toldBy(await side.ask(question), side, headers)
      answers.set(side, change ? { ...answer, body: change(answer.body) } : answer)
    }),
  )
  return { what, ask: async side => answers.get(side)! }
}

/** Until both answer so, or for some seconds. */
export async function until(both: Both, path: string, is: (body: Json, status: number) => boolean): Promise<void> {
  await Promise.all(
    [both.ours, both.theirs].map(async side => {
      for (let i = 0; i < 100; i++) {
        const answer = await side.ask({ method: 'GET', path })
        const body = answer.text.startsWith('{') ? JSON.parse(answer.text) : undefined
        if (is(body, answer.status)) return
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    }),
  )
}
