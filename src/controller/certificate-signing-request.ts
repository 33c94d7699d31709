import { type RequestedSubject, readSigningRequest } from '../base/certificates.ts'
import { timestamp } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Reconciler, World } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { CertificateSigningRequest, Node, SubjectAccessReview } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'
import { clientSigner, isOurs, servingSigner, signerProblem } from './certificate-signers.ts'

const hourMs = 3_600_000
const yearSeconds = 365 * 86_400
/** Who asks for less gets so much. */
const leastSeconds = 600

/** Has the key of the cluster's authority, which reconcilers must not. */
export interface CertificateSigner {
  /** @returns the certificate as PEM. @throws when the request cannot be signed */
  sign(request: string, policy: { usages: ('client' | 'server')[]; seconds: number }): Promise<string>
}

export interface CertificateOptions {
  signer: CertificateSigner
  /** No certificate holds for longer, and so long whoever does not say; a year unless given. */
  longestSeconds?: number
  /**
   * May this requester have a node's client certificate (`nodeclient`: for a new node; `selfnodeclient`: for itself)? Unless given:
   * members of system:bootstrappers the first, members of system:nodes the second, and whoever the cluster's roles allow it.
   */
  mayRequest?(request: CertificateSigningRequest, what: 'nodeclient' | 'selfnodeclient'): Promise<boolean>
}

/** Approves what nodes may ask for, and signs what is approved. Others' signers are left alone. */
export function certificateSigningRequestReconciler(options: CertificateOptions): Reconciler {
  return {
    name: 'certificate-signing-request',
    primary: CertificateSigningRequest,
    watches: [{ kind: Node, keys: () => [] }],
    writes: [
      { kind: CertificateSigningRequest, part: 'owned' },
      { kind: CertificateSigningRequest, part: 'status' },
      { kind: SubjectAccessReview, part: 'owned' },
    ],
    async reconcile(key, world) {
      const request = world.cache.get(CertificateSigningRequest, key)
      if (!request || request.metadata.deletionTimestamp) return
      const left = msUntilCleanup(request, world.clock.now())
      if (left <= 0) return remove(world, request)
      const has = (type: string) => request.status?.conditions?.some(c => c.type === type)
      if (!request.status?.certificate && !has('Denied') && !has('Failed')) {
        if (has('Approved')) await sign(world, request, options)
        else await approve(world, request, options)
      }
      return Number.isFinite(left) ? { afterMs: left } : undefined
    },
  }
}

/** Requests that are settled, or that nobody ever decides, do not stay for ever. One that is approved waits for its signer as long as it takes. */
export function msUntilCleanup(request: CertificateSigningRequest, nowMs: number): number {
  const { conditions = [], certificate } = request.status ?? {}
  if (!conditions.length) return msAfter(request.metadata.creationTimestamp, 24 * hourMs, nowMs)
  const settled = conditions.filter(c => c.type !== 'Approved' || certificate)
  return Math.min(...settled.map(c => msAfter(c.lastUpdateTime, hourMs, nowMs)))
}

const msAfter = (since: string | undefined, ms: number, nowMs: number) =>
  (Date.parse(since ?? '') || nowMs) + ms - nowMs

async function remove({ client }: World, request: CertificateSigningRequest): Promise<void> {
  try {
    await client.delete(CertificateSigningRequest, keyOf(request), { uid: request.metadata.uid })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}

const pemOf = (request: CertificateSigningRequest) => Buffer.from(request.spec.request, 'base64').toString()

async function approve(world: World, request: CertificateSigningRequest, options: CertificateOptions): Promise<void> {
  const { signerName, usages = [], username } = request.spec
  if (signerName !== clientSigner && signerName !== servingSigner) return
  let wanted: RequestedSubject
  try {
    wanted = await readSigningRequest(pemOf(request))
  } catch (error) {
    return leave(world, request, `it cannot be read: ${explain(error)}`)
  }
  const problem = signerProblem(signerName, usages, wanted)
  if (problem) return leave(world, request, problem)
  const own = username === wanted.commonName
  if (signerName === servingSigner) {
    const strange = own ? strangeAddress(world, wanted) : 'it is not from the node it is for'
    return strange ? leave(world, request, strange) : accept(world, request, 'A node may have this certificate.')
  }
  const may = options.mayRequest ?? ((_, what) => isAllowed(world, request, what))
  if (own && (await may(request, 'selfnodeclient')))
    return accept(world, request, 'Auto approving self kubelet client certificate after SubjectAccessReview.')
  if (await may(request, 'nodeclient'))
    return accept(world, request, 'Auto approving kubelet client certificate after SubjectAccessReview.')
  leave(world, request, `${username} may not ask for it`)
}

function leave({ log }: World, request: CertificateSigningRequest, why: string): void {
  log.debug({ request: request.metadata.name, why }, 'certificate request left to a person')
}

async function accept({ client, clock }: World, request: CertificateSigningRequest, message: string): Promise<void> {
  const now = timestamp(clock)
  const times = { lastUpdateTime: now, lastTransitionTime: now }
  const approved = { type: 'Approved', status: 'True', reason: 'AutoApproved', message, ...times }
  const conditions = [...(request.status?.conditions ?? []), approved]
  await client.update(
    CertificateSigningRequest,
    { ...structuredClone(request), status: { ...request.status, conditions } },
    { subresource: 'approval' },
  )
}

/** A node's name must not be given to what is not its own. */
function strangeAddress({ cache }: World, { commonName, dnsNames, ips }: RequestedSubject): string | undefined {
  const node = cache.get(Node, { name: commonName.slice('system:node:'.length) })
  const known = new Set((node?.status?.addresses ?? []).map(a => a.address))
  const strange = [...dnsNames, ...ips].find(n => !known.has(n))
  return strange === undefined ? undefined : `${strange} is not an address of the node`
}

/** Nodes may renew their own and newcomers ask for a first one, and whoever a role of the cluster says so of. */
async function isAllowed(
  { client }: World,
  { spec }: CertificateSigningRequest,
  what: 'nodeclient' | 'selfnodeclient',
): Promise<boolean> {
  const { username = '', uid, groups = [], extra } = spec
  if (groups.includes(what === 'nodeclient' ? 'system:bootstrappers' : 'system:nodes')) return true
  const resourceAttributes = {
    ...{ group: 'certificates.k8s.io', resource: 'certificatesigningrequests', version: '*' },
    ...{ subresource: what, verb: 'create' },
  }
  const review = await client.create(SubjectAccessReview, {
    metadata: {},
    spec: { user: username, groups, resourceAttributes, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) },
  })
  return review.status?.allowed === true
}

async function sign(
  world: World,
  request: CertificateSigningRequest,
  { signer, longestSeconds = yearSeconds }: CertificateOptions,
): Promise<void> {
  const { signerName, expirationSeconds, usages: wishes = [] } = request.spec
  if (!isOurs(signerName)) return
  const usages: ('client' | 'server')[] = signerName === servingSigner ? ['server'] : ['client']
  const next = structuredClone(request)
  next.status ??= {}
  try {
    // Approval says that it may be had, not that it is what this signer stands for.
    const problem = signerProblem(signerName, wishes, await readSigningRequest(pemOf(request)))
    if (problem) throw new Error(problem)
    const seconds = Math.min(Math.max(expirationSeconds ?? longestSeconds, leastSeconds), longestSeconds)
    const certificate = await signer.sign(pemOf(request), { usages, seconds })
    next.status.certificate = Buffer.from(certificate).toString('base64')
  } catch (error) {
    const now = timestamp(world.clock)
    const failed = {
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message: explain(error),
      lastUpdateTime: now,
      lastTransitionTime: now,
    }
    next.status.conditions = [...(next.status.conditions ?? []), failed]
  }
  await world.client.updateStatus(CertificateSigningRequest, next)
}
