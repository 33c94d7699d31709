"""The API as Debian's python3-kubernetes sees it. Usage: client.py STORY KUBECONFIG; each story ends with "STORY done"."""
import json
import sys
import tempfile
import time

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.dynamic.exceptions import ConflictError
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes.stream import portforward, stream

NAMESPACE = "default"


def config_map(name, data, labels=None):
    meta = client.V1ObjectMeta(name=name, labels=labels)
    return client.V1ConfigMap(metadata=meta, data=data)


def expect(actual, wanted):
    assert actual == wanted, f"{actual!r} instead of {wanted!r}"


def refused(status, call):
    try:
        call()
    except ApiException as error:
        expect(error.status, status)
        return error
    raise AssertionError(f"not refused with {status}")


def objects():
    core = client.CoreV1Api()
    for n in range(5):
        core.create_namespaced_config_map(NAMESPACE, config_map(f"page-{n}", {"n": str(n)}, {"set": "pages"}))
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(NAMESPACE, label_selector="set=pages", limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    expect(names, [f"page-{n}" for n in range(5)])
    one = core.read_namespaced_config_map("page-1", NAMESPACE)
    one.data = {"n": "one"}
    newer = core.replace_namespaced_config_map("page-1", NAMESPACE, one)
    assert int(newer.metadata.resource_version) > int(one.metadata.resource_version)
    one.data = {"n": "stale"}
    refused(409, lambda: core.replace_namespaced_config_map("page-1", NAMESPACE, one))
    patched = core.patch_namespaced_config_map("page-1", NAMESPACE, {"data": {"more": "x"}})
    expect(patched.data, {"n": "one", "more": "x"})
    expect(core.create_namespaced_config_map(NAMESPACE, config_map("dry", {}), dry_run="All").metadata.name, "dry")
    refused(404, lambda: core.read_namespaced_config_map("dry", NAMESPACE))
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="set=pages")
    expect(core.list_namespaced_config_map(NAMESPACE, label_selector="set=pages").items, [])
    expect(client.VersionApi().get_code().major, "1")
    assert "apps" in [g.name for g in client.ApisApi().get_api_versions().groups]


def watches():
    core = client.CoreV1Api()
    begun = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    core.create_namespaced_config_map(NAMESPACE, config_map("seen", {"a": "1"}))
    core.patch_namespaced_config_map("seen", NAMESPACE, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("seen", NAMESPACE)
    told = []
    watcher = watch.Watch()
    for event in watcher.stream(
        core.list_namespaced_config_map,
        NAMESPACE,
        resource_version=begun,
        field_selector="metadata.name=seen",
        allow_watch_bookmarks=True,
        timeout_seconds=20,
    ):
        told.append(event["type"])
        if event["type"] == "DELETED":
            watcher.stop()
    expect(told, ["ADDED", "MODIFIED", "DELETED"])
    future = {"resource_version": "999999999", "resource_version_match": "Exact"}
    assert refused(500, lambda: core.list_namespaced_config_map(NAMESPACE, **future))


def dynamic_client():
    any_kind = dynamic.DynamicClient(client.ApiClient())
    deployments = any_kind.resources.get(api_version="apps/v1", kind="Deployment")
    container = {"name": "web", "image": "registry.example.com/web:1"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "applied"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "applied"}},
            "template": {"metadata": {"labels": {"app": "applied"}}, "spec": {"containers": [container]}},
        },
    }
    apply = {"content_type": "application/apply-patch+yaml", "query_params": [("fieldManager", "python")]}
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/applied"
    made = any_kind.request("patch", path, body=json.dumps(body), **apply)
    expect(made.metadata.managedFields[0].manager, "python")
    patches(deployments)
    workloads = any_kind.resources.get(api_version="optiflow.dev/v1", kind="Workload")
    expect(workloads.namespaced, True)
    expect(deployments.get(name="applied", namespace=NAMESPACE).spec.replicas, 1)
    deployments.delete(name="applied", namespace=NAMESPACE)


def patches(deployments):
    """Each kind of patch, and server-side apply with its conflict, as the dynamic client sends them."""
    here = {"name": "applied", "namespace": NAMESPACE}
    more = {"spec": {"template": {"spec": {"containers": [{"name": "more", "image": "m:1"}]}}}}
    names = lambda made: sorted(c.name for c in made.spec.template.spec.containers)
    expect(names(deployments.patch(body=more, **here)), ["more", "web"])
    merge = {"content_type": "application/merge-patch+json"}
    expect(names(deployments.patch(body=more, **here, **merge)), ["more"])
    step = [{"op": "replace", "path": "/spec/replicas", "value": 0}]
    changed = deployments.patch(body=step, content_type="application/json-patch+json", **here)
    expect(changed.spec.replicas, 0)
    head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "applied"}}
    # As text: this version of the client cannot write an object as YAML.
    wish = json.dumps({**head, "spec": {"replicas": 1}})
    try:
        deployments.server_side_apply(body=wish, field_manager="other", **here)
        raise AssertionError("no conflict")
    except ConflictError as conflict:
        assert "conflict" in conflict.summary(), conflict.summary()
    won = deployments.server_side_apply(body=wish, field_manager="other", force_conflicts=True, **here)
    expect(won.spec.replicas, 1)


def dynamic_watch():
    maps = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version="v1", kind="ConfigMap")
    begun = maps.get(namespace=NAMESPACE).metadata.resourceVersion
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "followed"}, "data": {"a": "1"}}
    maps.create(body=body, namespace=NAMESPACE)
    maps.patch(body={**body, "data": {"a": "2"}}, namespace=NAMESPACE)
    maps.delete(name="followed", namespace=NAMESPACE)
    told = [event["type"] for event in maps.watch(namespace=NAMESPACE, resource_version=begun, timeout=1)]
    expect(told, ["ADDED", "MODIFIED", "DELETED"])


def from_yaml():
    manifest = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: written}, spec: {selector: {app: written}, ports: [{port: 80}]}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: written}, rules: []}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: written}, spec: {podSelector: {}}}
"""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(manifest)
        file.flush()
        api = client.ApiClient()
        utils.create_from_yaml(api, file.name)
        try:
            utils.create_from_yaml(api, file.name)
            raise AssertionError("created twice")
        except utils.FailToCreateError as error:
            expect([e.status for e in error.api_exceptions], [409] * 3)
    expect(client.NetworkingV1Api().read_namespaced_network_policy("written", NAMESPACE).spec.pod_selector.to_dict()["match_labels"], None)


def election():
    """Two candidates, one lock: the second leads once the first has let go."""

    def candidate(name):
        lock = ConfigMapLock("led", NAMESPACE, name)
        nothing = lambda: None
        return leaderelection.LeaderElection(electionconfig.Config(lock, 3, 2, 1, nothing, nothing))

    first, second = candidate("first"), candidate("second")
    expect([first.try_acquire_or_renew(), second.try_acquire_or_renew(), first.try_acquire_or_renew()], [True, False, True])
    client.CoreV1Api().delete_namespaced_config_map("led", NAMESPACE)
    expect([second.try_acquire_or_renew(), first.try_acquire_or_renew()], [True, False])


def discovery():
    """What generated clients ask at paths that end with a slash."""
    expect(client.CoreApi().get_api_versions().versions, ["v1"])
    expect(client.AppsApi().get_api_group().preferred_version.version, "v1")
    assert "pods/log" in [r.name for r in client.CoreV1Api().get_api_resources().resources]
    expect(client.AppsV1Api().get_api_resources().group_version, "apps/v1")
    assert "jwks_uri" in client.WellKnownApi().get_service_account_issuer_open_id_configuration()
    assert "keys" in client.OpenidApi().get_service_account_issuer_open_id_keyset()


def running_pod(core, name):
    spec = client.V1PodSpec(containers=[client.V1Container(name="main", image="registry.example.com/talker:1")])
    notes = {"simulated.optiflow.dev/log": "hello there"}
    core.create_namespaced_pod(NAMESPACE, client.V1Pod(metadata=client.V1ObjectMeta(name=name, annotations=notes), spec=spec))
    for _ in range(300):
        pod = core.read_namespaced_pod(name, NAMESPACE)
        if pod.status.phase == "Running":
            return pod
        time.sleep(0.1)
    raise AssertionError(f"{name} does not run: {pod.status}")


def streams():
    core = client.CoreV1Api()
    running_pod(core, "streamer")
    command = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    shell = stream(
        core.connect_get_namespaced_pod_exec,
        "streamer",
        NAMESPACE,
        command=command,
        stdout=True,
        stderr=True,
        stdin=False,
        _preload_content=False,
    )
    shell.run_forever(timeout=10)
    expect([shell.read_stdout(), shell.read_stderr(), shell.returncode], ["out\n", "err\n", 3])
    assert isinstance(core.read_namespaced_pod_log("streamer", NAMESPACE, tail_lines=1), str)
    ports = portforward(core.connect_get_namespaced_pod_portforward, "streamer", NAMESPACE, ports="80")
    socket = ports.socket(80)
    socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert socket.recv(1)
    socket.close()


def rights():
    review = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="create", resource="pods", namespace=NAMESPACE)
        )
    )
    expect(client.AuthorizationV1Api().create_self_subject_access_review(review).status.allowed, True)
    stranger = client.ApiClient()
    stranger.set_default_header("Impersonate-User", "stranger")
    error = refused(403, lambda: client.CoreV1Api(stranger).list_namespaced_pod(NAMESPACE))
    assert '"reason":"Forbidden"' in error.body, error.body
    token = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    given = client.CoreV1Api().create_namespaced_service_account_token("default", NAMESPACE, token)
    assert given.status.token.count(".") == 2


stories = {
    **{"objects": objects, "watches": watches, "dynamic": dynamic_client, "dynamic-watch": dynamic_watch},
    **{"yaml": from_yaml, "election": election, "discovery": discovery, "streams": streams, "rights": rights},
}
config.load_kube_config(sys.argv[2])
stories[sys.argv[1]]()
print(f"{sys.argv[1]} done")
