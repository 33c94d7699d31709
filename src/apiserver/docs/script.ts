/** Of the documentation page: fills the form, sends it to this server, and finds resources. */
export const script = `
const form = document.querySelector('form'), answer = document.getElementById('answer')
document.addEventListener('click', event => {
  const step = event.target.closest('button.step')
  if (!step) return
  event.preventDefault()
  const request = JSON.parse(step.dataset.request)
  for (const name of ['method', 'path', 'body', 'type']) form.elements[name].value = request[name]
  document.getElementById('try').scrollIntoView({ behavior: 'smooth' })
})
form.elements.method.addEventListener('change', () => {
  form.elements.type.value = form.elements.method.value === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
})
form.addEventListener('submit', async event => {
  event.preventDefault()
  const { token, method, path, body, type } = form.elements
  const headers = { accept: 'application/json' }
  if (token.value) headers.authorization = 'Bearer ' + token.value
  const send = method.value !== 'GET' && body.value.trim()
  if (send) headers['content-type'] = type.value
  answer.textContent = '…'
  if (!path.value.startsWith('/') || path.value.startsWith('//')) {
    answer.textContent = 'The path begins with one /.'
    return
  }
  try {
    const reply = await fetch(path.value, { method: method.value, headers, ...(send ? { body: body.value } : {}) })
    const text = await reply.text()
    let shown = text
    try { shown = JSON.stringify(JSON.parse(text), null, 2) } catch {}
    answer.textContent = reply.status + ' ' + reply.statusText + '\\n\\n' + shown
  } catch (error) {
    answer.textContent = 'No answer: ' + error.message
  }
})
document.getElementById('filter').addEventListener('input', event => {
  const wanted = event.target.value.trim().toLowerCase()
  for (const resource of document.querySelectorAll('details.resource')) resource.hidden = !resource.dataset.name.includes(wanted)
})
`
