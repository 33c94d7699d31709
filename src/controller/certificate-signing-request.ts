import { readSigningRequest } from '../base/certificates.ts'
import { timestamp } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Reconciler, World } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { CertificateSigningRequest, Node } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'

const clientSigner = 'kubernetes.io/kube-apiserver-client-kubelet'
const servingSigner = 'kubernetes.io/kubelet-serving'
const generalSigner = 'kubernetes.io/kube-apiserver-client'
const hourMs = 3_600_000
const defaultSeconds = 365 * 86_400

/** Has the key of the cluster's authority, which reconcilers must not. */
export interface CertificateSigner {
  /** @returns the certificate as PEM. @throws when the request cannot be signed */
  sign(request: string, policy: { usages: ('client' | 'server')[]; seconds: number }): Promise<string>
}

export interface CertificateOptions {
  signer: CertificateSigner
  /**
   * May this requester have a node's client certificate (`nodeclient`: for a new node; `selfnodeclient`: for itself)? Unless given:
   * members of system:bootstrappers the first, members of system:nodes the second.
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
    ],
    async reconcile(key, world) {
      const request = world.cache.get(CertificateSigningRequest, key)
      if (!request || request.metadata.deletionTimestamp) return
      const left = msUntilCleanup(request, world.clock.now())
      if (left <= 0) return remove(world, request)
      const has = (type: string) => request.status?.conditions?.some(c => c.type === type)
      if (!request.status?.certificate && !has('Denied') && !has('Failed')) {
        if (has('Approved')) await sign(world, request, options.signer)
        else await approve(world, request, options)
      }
      return { afterMs: left }
    },
  }
}

/** Requests that are settled, or that nobody ever decides, do not stay for ever. */
export function msUntilCleanup(request: CertificateSigningRequest, nowMs: number): number {
  const conditions = request.status?.conditions ?? []
  const settled = conditions.find(c => ['Approved', 'Denied', 'Failed'].includes(c.type))
  const since = Date.parse(settled?.lastUpdateTime ?? request.metadata.creationTimestamp ?? '') || nowMs
  return since + (settled ? hourMs : 24 * hourMs) - nowMs
}

async function remove({ client }: World, request: CertificateSigningRequest): Promise<void> {
  try {
    await client.delete(CertificateSigningRequest, keyOf(request), { uid: request.metadata.uid })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}

const pemOf = (request: CertificateSigningRequest) => Buffer.from(request.spec.request, 'base64').toString()

async function approve(
  world: World,
  request: CertificateSigningRequest,
  { mayRequest = byGroups }: CertificateOptions,
): Promise<void> {
  const { signerName } = request.spec
  if (signerName !== clientSigner && signerName !== servingSigner) return
  const refusal = await refuse(world, request)
  if (refusal) {
    world.log.debug({ request: request.metadata.name, why: refusal }, 'certificate request left to a person')
    return
  }
  if (signerName === clientSigner) {
    const own = request.spec.username === (await readSigningRequest(pemOf(request))).commonName
    const allowed = (own && (await mayRequest(request, 'selfnodeclient'))) || (await mayRequest(request, 'nodeclient'))
    if (!allowed) return
  }
  const now = timestamp(world.clock)
  const approved = {
    type: 'Approved',
    status: 'True',
    reason: 'AutoApproved',
    message: 'A node may have this certificate.',
    lastUpdateTime: now,
    lastTransitionTime: now,
  }
  const conditions = [...(request.status?.conditions ?? []), approved]
  await world.client.update(
    CertificateSigningRequest,
    { ...structuredClone(request), status: { ...request.status, conditions } },
    { subresource: 'approval' },
  )
}

/** Why a node's request is not one that may be approved without asking; undefined when it is. */
async function refuse({ cache }: World, request: CertificateSigningRequest): Promise<string | undefined> {
  const { signerName, usages = [], username } = request.spec
  let wanted: Awaited<ReturnType<typeof readSigningRequest>>
  try {
    wanted = await readSigningRequest(pemOf(request))
  } catch (error) {
    return `it cannot be read: ${explain(error)}`
  }
  if (wanted.organizations.length !== 1 || wanted.organizations[0] !== 'system:nodes')
    return 'its organization is not system:nodes'
  if (!wanted.commonName.startsWith('system:node:')) return 'its common name does not begin with system:node:'
  const purpose = signerName === clientSigner ? 'client auth' : 'server auth'
  const allowed: string[] = ['digital signature', 'key encipherment', purpose]
  if (!usages.includes(purpose as (typeof usages)[number]) || usages.some(u => !allowed.includes(u)))
    return `its usages are not exactly those of ${purpose}`
  const names = [...wanted.dnsNames, ...wanted.ips]
  if (signerName === clientSigner) return names.length ? 'a client certificate has no alternative names' : undefined
  if (username !== wanted.commonName) return 'it is not from the node it is for'
  if (!names.length) return 'it names no address'
  const node = cache.get(Node, { name: wanted.commonName.slice('system:node:'.length) })
  const known = new Set((node?.status?.addresses ?? []).map(a => a.address))
  const strange = names.find(n => !known.has(n))
  return strange === undefined ? undefined : `${strange} is not an address of the node`
}

async function byGroups(request: CertificateSigningRequest, what: 'nodeclient' | 'selfnodeclient'): Promise<boolean> {
  const groups = request.spec.groups ?? []
  return groups.includes(what === 'nodeclient' ? 'system:bootstrappers' : 'system:nodes')
}

async function sign(world: World, request: CertificateSigningRequest, signer: CertificateSigner): Promise<void> {
  const { signerName, expirationSeconds } = request.spec
  if (![clientSigner, servingSigner, generalSigner].includes(signerName)) return
  const usages: ('client' | 'server')[] = signerName === servingSigner ? ['server'] : ['client']
  const next = structuredClone(request)
  next.status ??= {}
  try {
    const seconds = Math.min(Math.max(expirationSeconds ?? defaultSeconds, 600), defaultSeconds)
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
