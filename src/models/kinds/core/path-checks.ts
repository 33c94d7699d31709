import { type FieldError, invalid } from '../../field-error.ts'

// Paths inside of volumes and containers.

export function checkNoBacksteps(field: string, path: string): FieldError[] {
  return path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : []
}

/** A path below its root: relative, without `..`. */
export function checkRelativePath(field: string, path: string): FieldError[] {
  const absolute = path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : []
  return [...absolute, ...checkNoBacksteps(field, path)]
}

/** A path inside a volume whose own files begin with `..`. */
export function checkFilePath(field: string, path: string): FieldError[] {
  const errors = checkRelativePath(field, path)
  if (path.startsWith('..') && !path.startsWith('../')) errors.push(invalid(field, path, "must not start with '..'"))
  return errors
}
