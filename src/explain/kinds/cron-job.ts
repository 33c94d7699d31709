import { parseSchedule, type Schedule } from '../../controller/cron-schedule.ts'
import { CronJob } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, waits, well } from '../explanation.ts'

export const cronJob: Explainer<CronJob> = {
  kind: CronJob,
  summary({ spec, status = {} }) {
    const active = status.active?.length ?? 0
    const ran = status.lastScheduleTime
      ? `it started a job last at ${status.lastScheduleTime}`
      : 'it has started no job yet'
    return `${spec.suspend ? 'it is suspended; ' : ''}${ran}${active ? `, ${active} run` : ''}`
  },
  findings(object, { nowMs }) {
    const { metadata, spec, status = {} } = object
    const found: Finding[] = []
    const { schedule, fault } = read(spec.schedule, spec.timeZone)
    if (!schedule)
      return [stops(`spec.schedule "${spec.schedule}": ${fault}`, 'Write five fields, such as "*/5 * * * *".')]
    const next = schedule.next(nowMs)
    if (spec.suspend)
      found.push(
        stops(
          'spec.suspend is true',
          `kubectl patch cronjob ${metadata.name} -p '{"spec":{"suspend":false}}' lets it run`,
        ),
      )
    else if (next === undefined) found.push(stops(`spec.schedule "${spec.schedule}" names no time to come`))
    else found.push(waits(`the next job is due at ${new Date(next).toISOString().replace('.000Z', 'Z')}`))
    if (status.active?.length && spec.concurrencyPolicy === 'Forbid')
      found.push(
        stops(
          `job ${status.active[0]!.name} still runs, and spec.concurrencyPolicy is Forbid: no other is started meanwhile`,
          `optiflow why job/${status.active[0]!.name}`,
        ),
      )
    if (spec.startingDeadlineSeconds !== undefined && spec.startingDeadlineSeconds < 10)
      found.push(stops('spec.startingDeadlineSeconds is below 10: starts may be missed', 'Set it to 10 or more.'))
    if (status.lastSuccessfulTime) found.push(well(`a job of it succeeded last at ${status.lastSuccessfulTime}`))
    return found
  },
}

function read(text: string, timeZone: string | undefined): { schedule?: Schedule; fault?: string } {
  try {
    return { schedule: parseSchedule(text, timeZone) }
  } catch (error) {
    return { fault: (error as Error).message }
  }
}
