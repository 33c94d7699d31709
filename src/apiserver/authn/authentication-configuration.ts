import { CelCompileError, type CelProgram, type CelType, cel, compileCel } from '../../models/cel/index.ts'
import { duplicate, invalid, required, tooMany } from '../../models/field-error.ts'
import { ConfigFile, type Fields } from '../configuration/config-file.ts'
import { type ClaimMappings, type Rule, type Source, userOfClaims } from './claim-mappings.ts'
import type { JwtIssuer } from './jwt-tokens.ts'

export interface AuthenticationChoices {
  issuers: JwtIssuer[]
  /** Where people may come whom nobody knows: everywhere if undefined. */
  strangersAt?: string[]
}

const versions = ['v1beta1', 'v1alpha1'].map(v => `apiserver.config.k8s.io/${v} AuthenticationConfiguration`)
const issuerFields = ['url', 'discoveryURL', 'certificateAuthority', 'audiences', 'audienceMatchPolicy']
const jwtFields = ['issuer', 'claimValidationRules', 'claimMappings', 'userValidationRules']
const mostIssuers = 64
const strings = cel.list(cel.string)
const claimsType = cel.map(cel.string, cel.dyn)
const userType = cel.object('kubernetes.UserInfo', {
  ...{ username: cel.string, uid: cel.string, groups: strings, extra: cel.map(cel.string, strings) },
})

/**
 * An AuthenticationConfiguration, as `--authentication-config` of kube-apiserver names it.
 * @param value the parsed file
 * @param ownIssuers whose tokens are believed already
 * @throws BadConfiguration
 */
export function readAuthenticationConfiguration(value: unknown, ownIssuers: string[] = []): AuthenticationChoices {
  const file = new ConfigFile()
  const fields = file.object('', value, ['apiVersion', 'kind', 'jwt', 'anonymous'])
  file.kind(fields, versions)
  const entries = file.list('jwt', fields['jwt'])
  if (entries.length > mostIssuers) file.add(tooMany('jwt', entries.length, mostIssuers))
  const issuers = entries.map((entry, i) => readJwt(file, `jwt[${i}]`, entry, ownIssuers))
  for (const [field, of] of [['url', 'issuerUrl'] as const, ['discoveryURL', 'discoveryUrl'] as const])
    for (const [i, issuer] of issuers.entries())
      if (issuer[of] && issuers.findIndex(other => other[of] === issuer[of]) < i)
        file.add(duplicate(`jwt[${i}].issuer.${field}`, issuer[of]))
  const strangersAt = readAnonymous(file, fields['anonymous'])
  file.done()
  return { issuers, ...(strangersAt ? { strangersAt } : {}) }
}

function readAnonymous(file: ConfigFile, value: unknown): string[] | undefined {
  if (value === undefined || value === null) return undefined
  const { enabled, conditions } = file.object('anonymous', value, ['enabled', 'conditions'])
  const isOn = file.flag('anonymous.enabled', enabled)
  const paths = file.list('anonymous.conditions', conditions).map((entry, i) => {
    const at = `anonymous.conditions[${i}]`
    return file.text(`${at}.path`, file.object(at, entry, ['path'])['path'])
  })
  if (!isOn && paths.length)
    file.add(invalid('anonymous.conditions', conditions, 'enabled should be set to true when conditions are defined'))
  return isOn && paths.length === 0 ? undefined : paths
}

function readJwt(file: ConfigFile, at: string, value: unknown, ownIssuers: string[]): JwtIssuer {
  const fields = file.object(at, value, jwtFields)
  const issuer = readIssuer(file, `${at}.issuer`, fields['issuer'], ownIssuers)
  const mappings = readMappings(file, at, fields)
  return { ...issuer, userOf: claims => userOfClaims(mappings, claims) }
}

function readIssuer(file: ConfigFile, at: string, value: unknown, own: string[]): Omit<JwtIssuer, 'userOf'> {
  const fields = file.object(at, value, issuerFields)
  const url = file.text(`${at}.url`, fields['url'])
  const discovery = file.text(`${at}.discoveryURL`, fields['discoveryURL'])
  if (url === '') file.add(required(`${at}.url`, 'URL is required'))
  else checkUrl(file, `${at}.url`, url)
  if (own.includes(url))
    file.add(invalid(`${at}.url`, url, `URL must not overlap with disallowed issuers: [${own.join(' ')}]`))
  if (discovery !== '') {
    const bare = (text: string) => text.replace(/\/+$/, '')
    if (bare(url) === bare(discovery))
      file.add(invalid(`${at}.discoveryURL`, discovery, 'discoveryURL must be different from URL'))
    checkUrl(file, `${at}.discoveryURL`, discovery)
  }
  const ca = file.text(`${at}.certificateAuthority`, fields['certificateAuthority'])
  if (ca !== '' && !ca.includes('-----BEGIN CERTIFICATE-----'))
    file.add(
      invalid(`${at}.certificateAuthority`, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates'),
    )
  return {
    issuerUrl: url,
    audiences: readAudiences(file, at, fields),
    ...(discovery ? { discoveryUrl: discovery } : {}),
    ...(ca ? { ca } : {}),
  }
}

function checkUrl(file: ConfigFile, at: string, text: string): void {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    file.add(invalid(at, text, 'it is no URL'))
    return
  }
  if (url.protocol !== 'https:') file.add(invalid(at, text, 'URL scheme must be https'))
  if (url.username || url.password) file.add(invalid(at, text, 'URL must not contain a username or password'))
  if (url.search) file.add(invalid(at, text, 'URL must not contain a query'))
  if (url.hash) file.add(invalid(at, text, 'URL must not contain a fragment'))
}

function readAudiences(file: ConfigFile, at: string, fields: Fields): string[] {
  const audiences = file.texts(`${at}.audiences`, fields['audiences'])
  const policy = file.text(`${at}.audienceMatchPolicy`, fields['audienceMatchPolicy'])
  if (audiences.length === 0) file.add(required(`${at}.audiences`, `at least one ${at}.audiences is required`))
  for (const [i, audience] of audiences.entries()) {
    if (audience === '') file.add(required(`${at}.audiences[${i}]`, "audience can't be empty"))
    if (audiences.indexOf(audience) < i) file.add(duplicate(`${at}.audiences[${i}]`, audience))
  }
  const policyAt = `${at}.audienceMatchPolicy`
  if (audiences.length > 1 && policy !== 'MatchAny')
    file.add(invalid(policyAt, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences'))
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny')
    file.add(invalid(policyAt, policy, 'audienceMatchPolicy must be empty or MatchAny for single audience'))
  return audiences
}

function readMappings(file: ConfigFile, jwt: string, fields: Fields): ClaimMappings {
  const at = `${jwt}.claimMappings`
  const said = file.object(at, fields['claimMappings'], ['username', 'groups', 'uid', 'extra'])
  const { claimRules, requiredClaims } = readClaimRules(file, `${jwt}.claimValidationRules`, fields)
  const username = readSource(file, `${at}.username`, said['username'], { prefix: true })
  if (!username && isUnsaid(said['username'])) file.add(required(`${at}.username`, 'claim or expression is required'))
  const groups = readSource(file, `${at}.groups`, said['groups'], { prefix: true })
  const uid = readSource(file, `${at}.uid`, said['uid'], { prefix: false })
  const extra = readExtra(file, `${at}.extra`, said['extra'])
  const userRules = readRules(file, `${jwt}.userValidationRules`, fields['userValidationRules'])
  const mappings = {
    ...{ username: username ?? { claim: '', prefix: '' }, extra, claimRules, requiredClaims, userRules },
    ...(groups ? { groups } : {}),
    ...(uid ? { uid } : {}),
  }
  checkEmail(file, at, mappings)
  return mappings
}

const isUnsaid = (value: unknown): boolean => {
  const { claim, expression } = (value ?? {}) as Fields
  return !claim && !expression
}

/** Whoever takes an address for a name must look whether it is verified. */
function checkEmail(file: ConfigFile, at: string, { username, extra, claimRules }: ClaimMappings): void {
  if (!('expression' in username) || !/\bclaims\s*\.\s*\??\s*email\b/.test(username.expression.source)) return
  const looks = [username.expression, ...extra.map(one => one.value), ...claimRules.map(rule => rule.expression)]
  if (looks.some(program => /\bclaims\s*\.\s*\??\s*email_verified\b/.test(program.source))) return
  file.add(
    invalid(
      `${at}.username.expression`,
      username.expression.source,
      'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
    ),
  )
}

function readSource(file: ConfigFile, at: string, value: unknown, { prefix }: { prefix: boolean }): Source | undefined {
  const fields = file.object(at, value, prefix ? ['claim', 'prefix', 'expression'] : ['claim', 'expression'])
  const claim = file.text(`${at}.claim`, fields['claim'])
  const expression = file.text(`${at}.expression`, fields['expression'])
  const before = fields['prefix']
  if (claim && expression) file.add(invalid(at, '', "claim and expression can't both be set"))
  else if (expression) {
    if (before !== undefined) file.add(invalid(`${at}.prefix`, before, "prefix can't be set when expression is set"))
    const program = compiled(file, `${at}.expression`, expression, { claims: claimsType })
    return program && { expression: program }
  } else if (claim) {
    if (prefix && before === undefined)
      file.add(
        required(
          `${at}.prefix`,
          'prefix is required when claim is set. It can be set to an empty string to disable prefixing',
        ),
      )
    return { claim, prefix: file.text(`${at}.prefix`, before) }
  }
  return undefined
}

function readExtra(file: ConfigFile, at: string, value: unknown): ClaimMappings['extra'] {
  const seen = new Set<string>()
  return file.list(at, value).flatMap((entry, i) => {
    const place = `${at}[${i}]`
    const fields = file.object(place, entry, ['key', 'valueExpression'])
    const key = file.text(`${place}.key`, fields['key'])
    const text = file.text(`${place}.valueExpression`, fields['valueExpression'])
    checkExtraKey(file, `${place}.key`, key)
    if (seen.has(key)) file.add(duplicate(`${place}.key`, key))
    seen.add(key)
    if (text === '') file.add(required(`${place}.valueExpression`, 'valueExpression is required'))
    const program = text === '' ? undefined : compiled(file, `${place}.valueExpression`, text, { claims: claimsType })
    return program ? [{ key, value: program }] : []
  })
}

function checkExtraKey(file: ConfigFile, at: string, key: string): void {
  const domain = /^([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)\/\S+$/i.exec(key)?.[1]
  if (key === '') file.add(required(at))
  else if (!domain) file.add(invalid(at, key, 'must be a domain-prefixed path (such as "acme.io/foo")'))
  if (key !== key.toLowerCase()) file.add(invalid(at, key, 'key must be lowercase'))
  if (domain && /(^|\.)(kubernetes|k8s)\.io$/.test(domain))
    file.add(invalid(at, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'))
}

function readClaimRules(
  file: ConfigFile,
  at: string,
  fields: Fields,
): Pick<ClaimMappings, 'claimRules' | 'requiredClaims'> {
  const claimRules: Rule[] = []
  const requiredClaims: ClaimMappings['requiredClaims'] = []
  const seen = new Set<string>()
  for (const [i, entry] of file.list(at, fields['claimValidationRules']).entries()) {
    const place = `${at}[${i}]`
    const rule = file.object(place, entry, ['claim', 'requiredValue', 'expression', 'message'])
    const text = (field: string) => file.text(`${place}.${field}`, rule[field])
    const [claim, value, expression, message] = [
      text('claim'),
      text('requiredValue'),
      text('expression'),
      text('message'),
    ]
    if (claim && expression) file.add(invalid(place, claim, "claim and expression can't both be set"))
    else if (!claim && !expression) file.add(required(place, 'claim or expression is required'))
    else if (claim) {
      if (message) file.add(invalid(`${place}.message`, message, "message can't be set when claim is set"))
      if (requiredClaims.some(other => other.claim === claim)) file.add(duplicate(`${place}.claim`, claim))
      requiredClaims.push({ claim, value })
    } else {
      if (value) file.add(invalid(`${place}.requiredValue`, value, "requiredValue can't be set when expression is set"))
      if (seen.has(expression)) file.add(duplicate(`${place}.expression`, expression))
      seen.add(expression)
      const program = compiled(file, `${place}.expression`, expression, { claims: claimsType }, cel.bool)
      if (program) claimRules.push({ expression: program, message })
    }
  }
  return { claimRules, requiredClaims }
}

function readRules(file: ConfigFile, at: string, value: unknown): Rule[] {
  const seen = new Set<string>()
  return file.list(at, value).flatMap((entry, i) => {
    const place = `${at}[${i}]`
    const fields = file.object(place, entry, ['expression', 'message'])
    const text = file.text(`${place}.expression`, fields['expression'])
    const message = file.text(`${place}.message`, fields['message'])
    if (text === '') file.add(required(`${place}.expression`, 'expression is required'))
    else if (seen.has(text)) file.add(duplicate(`${place}.expression`, text))
    seen.add(text)
    const program = text === '' ? undefined : compiled(file, `${place}.expression`, text, { user: userType }, cel.bool)
    return program ? [{ expression: program, message }] : []
  })
}

function compiled(
  file: ConfigFile,
  at: string,
  text: string,
  variables: Record<string, CelType>,
  result?: CelType,
): CelProgram | undefined {
  try {
    return compileCel(text, { variables, ...(result ? { result } : {}) })
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    file.add(invalid(at, text, error.message))
    return undefined
  }
}
