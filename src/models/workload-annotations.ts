/** What people say of a Workload's update, in its annotations: whoever may change it may say so. */

/** `optiflow rollout promote` writes which step has been looked at: `<revision>/<step>`, or `<revision>` for all of them. */
export const promoteAnnotation = 'optiflow.dev/promote'
/** `optiflow rollout abort` writes which revision is not wanted after all. */
export const abortAnnotation = 'optiflow.dev/abort'
/** `optiflow rollout retry` counts here how often the same form was tried anew. */
export const tryAnnotation = 'optiflow.dev/try'
