import { type ObjectType, type Type, typeNamed } from '../../models/schema/index.ts'
import { versionInfo } from '../health/version.ts'
import type { Operation } from '../openapi/operation.ts'
import { operationsOf } from '../openapi/operations.ts'
import type { Resource, ResourceTable } from '../resources.ts'
import { script } from './script.ts'
import { style } from './style.ts'

const example = {
  apiVersion: 'optiflow.dev/v1',
  kind: 'Workload',
  metadata: { name: 'hello' },
  spec: {
    image: 'registry.example/hello:1',
    replicas: 3,
    ports: [{ port: 8080 }],
    env: [{ name: 'GREETING', value: 'hello' }],
    healthCheck: { http: { path: '/' } },
  },
}

const workloads = '/apis/optiflow.dev/v1/namespaces/default/workloads'

/** What people do first, as requests ready to be sent. */
const firstSteps: { title: string; method: string; path: string; body?: unknown; type?: string }[] = [
  { title: 'Run an app', method: 'POST', path: workloads, body: example },
  { title: 'See how it is doing', method: 'GET', path: `${workloads}/hello` },
  { title: 'List all apps', method: 'GET', path: workloads },
  {
    title: 'Run five of it',
    method: 'PATCH',
    path: `${workloads}/hello`,
    body: { spec: { replicas: 5 } },
    type: 'application/merge-patch+json',
  },
  { title: 'See its containers', method: 'GET', path: '/api/v1/namespaces/default/pods' },
  { title: 'Read what happened', method: 'GET', path: '/api/v1/namespaces/default/events' },
  { title: 'Stop and remove it', method: 'DELETE', path: `${workloads}/hello` },
]

const catalog = '/apis/optiflow.dev/v1/namespaces/default/catalog'

/** How services are found, without any Kubernetes client. */
const catalogSteps: typeof firstSteps = [
  { title: 'See all services', method: 'GET', path: catalog },
  { title: 'Only those that answer', method: 'GET', path: `${catalog}?healthy=true` },
  { title: 'Of all namespaces', method: 'GET', path: '/apis/optiflow.dev/v1/catalog' },
]

/** The page for people: what can be asked of this server, with a form that asks it. Needs nothing from outside. */
export function docsPage(resources: ResourceTable): string {
  const workload = resources.findKind('optiflow.dev', 'Workload')
  const others = resources.groups().flatMap(g => g.versions.flatMap(v => v.resources.filter(r => r !== workload)))
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>OptiFlow Orchestrator: the API</title><style>${style}</style></head><body>
<header><h1>OptiFlow Orchestrator</h1><p>The API of this cluster: Kubernetes ${versionInfo.major}.${versionInfo.minor}, and one short form to run an app.</p></header>
<main>
<section><h2>Run an app</h2>
<p>A <b>Workload</b> says what you want to run: an image, how many copies, which ports. You send it once; the cluster starts the containers on healthy
machines, gives them an address, restarts what dies, and keeps the number you asked for until you say otherwise.</p>
<ol>${firstSteps.map(stepHtml).join('')}</ol></section>
<section><h2>Find a service</h2>
<p>The catalogue has every service of the cluster, and those outside that were registered: its name, address and ports, and for each of its endpoints whether it is healthy.
<code>?healthy=true</code> leaves the others out, <code>?labelSelector=app=web</code> chooses by label, <code>/catalog/NAME</code> is one service. With
<code>?watch=true</code> the answer goes on: a line of JSON for each change, <code>{"type":"ADDED", "MODIFIED" or "DELETED", "service":{…}}</code>, first what is there.
<code>curl -N -H "Authorization: Bearer $TOKEN" "$SERVER${catalog}?watch=true"</code></p>
<ul>${catalogSteps.map(stepHtml).join('')}</ul></section>
<section id="try"><h2>Try it</h2>
<p>Requests go to this server, as whoever your token or your browser's certificate says you are. <code>kubectl create token default</code> makes a token.</p>
<form><label>Token <input name="token" type="password" autocomplete="off" placeholder="empty: none"></label>
<div class="row"><select name="method">${['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map(m => `<option>${m}</option>`).join('')}</select>
<input name="path" value="${workloads}" aria-label="Path"><button>Send</button></div>
<label>Body <textarea name="body" rows="14" spellcheck="false"></textarea></label><input name="type" type="hidden" value="application/json"></form>
<pre id="answer" aria-live="polite">The answer comes here.</pre></section>
${workload ? resourceHtml(workload, true) : ''}
<section><h2>Everything else</h2><p>What Workloads are made of, and all that Kubernetes' own tools use. Any Kubernetes client works with this server.
The same, for programs: <a href="/openapi/v3">/openapi/v3</a>, <a href="/openapi/v2">/openapi/v2</a>.</p>
<p><input id="filter" placeholder="Find a resource, such as pods" aria-label="Find a resource"></p></section>
${others.map(r => resourceHtml(r, false)).join('\n')}
</main><script>${script}</script></body></html>`
}

function stepHtml(step: (typeof firstSteps)[number]): string {
  const data = JSON.stringify({
    method: step.method,
    path: step.path,
    body: step.body ? JSON.stringify(step.body, null, 2) : '',
    type: step.type ?? 'application/json',
  })
  return `<li><button class="step" data-request="${escapeHtml(data)}">${step.title}</button> <code>${step.method} ${escapeHtml(step.path)}</code></li>`
}

function resourceHtml(resource: Resource, open: boolean): string {
  const { kind } = resource
  const rows = operationsOf(resource)
    .filter(o => o.action !== 'connect')
    .map(operationHtml)
    .join('')
  return `<details class="resource" data-name="${escapeHtml(`${kind.plural} ${kind.kind} ${kind.shortNames?.join(' ') ?? ''}`.toLowerCase())}"${open ? ' open' : ''}>
<summary><b>${kind.kind}</b> <span>${escapeHtml(resource.apiVersion)}</span></summary>
<table class="operations">${rows}</table>${kind.schema ? fieldsHtml(typeNamed(kind.schema)) : ''}</details>`
}

function operationHtml(o: Operation): string {
  const data = JSON.stringify({
    method: o.method.toUpperCase(),
    path: o.path.replace('{namespace}', 'default'),
    body: o.body ? '{}' : '',
    type: o.body === 'patch' ? 'application/merge-patch+json' : 'application/json',
  })
  return `<tr><td class="${o.method}">${o.method.toUpperCase()}</td><td><button class="step" data-request="${escapeHtml(data)}">${escapeHtml(o.path)}</button></td><td>${escapeHtml(o.description)}</td></tr>`
}

/** The fields of spec, one level below too: enough to write one. */
function fieldsHtml(type: ObjectType): string {
  const spec = type.fields.get('spec')?.type
  const shown = spec?.form === 'object' ? spec : type
  const rows = [...shown.fields.values()]
    .filter(f => !['apiVersion', 'kind', 'metadata', 'status'].includes(f.name))
    .map(f => {
      const values = f.type.form === 'scalar' && f.type.enum ? `: ${f.type.enum.join(', ')}` : ''
      return `<tr><td><code>${escapeHtml(f.name)}</code>${f.required ? ' *' : ''}</td><td>${escapeHtml(typeText(f.type) + values)}</td><td>${escapeHtml(shown.docs[f.name] ?? '')}</td></tr>`
    })
  if (rows.length === 0) return ''
  return `<h4>${shown === spec ? 'spec' : 'Fields'} <small>* required</small></h4><table class="fields">${rows.join('')}</table>`
}

function typeText(type: Type): string {
  switch (type.form) {
    case 'scalar':
      return type.scalar
    case 'object':
      return type.shortName
    case 'list':
      return `list of ${typeText(type.of)}`
    case 'map':
      return `map to ${typeText(type.of)}`
  }
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
