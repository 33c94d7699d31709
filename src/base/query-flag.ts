/** `watch=1|true|True|…`, as Kubernetes reads booleans in queries: anything but 0 and false counts, an absent one does not. */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}
