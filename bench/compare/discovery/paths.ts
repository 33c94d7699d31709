/** Of health and its parts. */
export const healthPaths: readonly string[] = ['/healthz', '/livez', '/readyz'].flatMap(path =>
  [
    ...['', '?verbose', '?verbose=true', '?exclude=etcd', '?exclude=nothing', '?verbose&exclude=ping', '/', '/ping'],
    ...['/etcd', '/log', '/nothing', '/poststarthook/rbac/bootstrap-roles', '/ping?verbose', '/informer-sync'],
    ...['/poststarthook/start-kube-aggregator-informers', '/shutdown', '/etcd-readiness', '/autoregister-completion'],
  ].map(rest => path + rest),
)

export const otherPaths: readonly string[] = [
  ...['/', '/version', '/version/', '/.well-known/openid-configuration', '/openid/v1/jwks', '/openid/v1/jwks/'],
  ...['/api/', '/apis/', '/apis/apps/', '/apis/apps/v1/', '/api/v1/', '/api/v2', '/apis/none', '/apis/none/v1'],
  ...['/apis/apps/v9', '/apis/apps/v1/none', '/api/v1/none', '/nothing', '/openapi', '/openapi/', '/openapi/v3/'],
  ...['/openapi/v3/apis', '/openapi/v3/apis/apps', '/openapi/v3/api', '/openapi/v3/nothing', '/openapi/v3/version/'],
  ...['/openapi/v3/.well-known/openid-configuration/', '/openapi/v3/openid/v1/jwks/', '/openapi/v3/logs'],
  ...[
    '/swagger.json',
    '/swaggerapi',
    '/swagger-ui',
    '/ui',
    '/logs',
    '/logs/',
    '/debug/pprof',
    '/debug/pprof/',
    '/configz',
  ],
  ...['//', '/api//v1', '/api/v1//namespaces', '/./api', '/api/v1/../v1', '/%61pi', '/API', '/flagz', '/statusz'],
  ...['/metrics/nothing', '/metrics/slis/nothing', '/debug/flags/v', '/debug/api_priority_and_fairness/nothing'],
  ...['/api/v1/namespaces/default/', '/api/v1/namespaces/default/pods/', '/apis/apps/v1/namespaces/default/none'],
]
