"""The API as Debian's python3-kubernetes sees it. Usage: client.py STORY KUBECONFIG; each story ends with "STORY done"."""
import json
import sys
import time

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException
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
    assert refused(504, lambda: core.list_namespaced_config_map(NAMESPACE, **future))


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
    workloads = any_kind.resources.get(api_version="optiflow.dev/v1", kind="Workload")
    expect(workloads.namespaced, True)
    expect(deployments.get(name="applied", namespace=NAMESPACE).spec.replicas, 1)
    deployments.delete(name="applied", namespace=NAMESPACE)


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


stories = {"objects": objects, "watches": watches, "dynamic": dynamic_client, "streams": streams, "rights": rights}
config.load_kube_config(sys.argv[2])
stories[sys.argv[1]]()
print(f"{sys.argv[1]} done")
