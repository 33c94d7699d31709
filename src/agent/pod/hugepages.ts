const prefix = 'hugepages-'

/** Resources of huge pages, by size, among those that a node has: `hugepages-2Mi`. */
export const hugepageSizes = (capacity: Record<string, string>) =>
  Object.keys(capacity).filter(name => name.startsWith(prefix))

/** `hugepages-2Mi` is `2MB` to the kernel. */
export const kernelSize = (resource: string) => resource.slice(prefix.length).replace(/i$/, 'B')
