/// What the tests of attached documents do in Python, where the formats have libraries that know nothing of Berth.
enum AttestationScript {
    static let functions = #"""
        import copy, json, os, random, struct, subprocess, sys, urllib.request, zlib
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
        from google.protobuf import json_format
        from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
        from in_toto_attestation.v1 import statement_pb2
        from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
        from in_toto_attestation.v1.statement import Statement
        from packageurl import PackageURL
        from spdx_tools.spdx.parser.error import SPDXParsingError
        from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
        from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

        SPDX, CYCLONEDX = "application/spdx+json", "application/vnd.cyclonedx+json"
        IN_TOTO = "application/vnd.in-toto+json"

        def get(path):
            with urllib.request.urlopen("http://" + os.environ["REGISTRY"] + path) as reply:
                return json.load(reply), reply.headers.get("Docker-Content-Digest")

        def upload(name):
            """Uploads a file to the repository that is called as it is."""
            subprocess.run(["curl", "-sS", "--fail-with-body", "-T", name, f"http://{os.environ['REGISTRY']}/{name}"],
                           check=True, stdout=sys.stderr)

        def section(name, content, program):
            """Makes a program of app and one more section."""
            open("section", "wb").write(content)
            subprocess.run(["objcopy", "--add-section", name + "=section", "app", program], check=True)

        # What is attached, and what its libraries say to it.

        def documents(repository):
            _, digest = get(f"/v2/{repository}/manifests/latest")
            found = {}
            for artifact in get(f"/v2/{repository}/referrers/{digest}")[0]["manifests"]:
                layer, = get(f"/v2/{repository}/manifests/{artifact['digest']}")[0]["layers"]
                assert layer["mediaType"] == artifact["artifactType"]
                found[layer["mediaType"]] = get(f"/v2/{repository}/blobs/{layer['digest']}")[0]
            return digest, found

        def spdx_faults(document):
            try:
                parsed = JsonLikeDictParser().parse(document)
            except SPDXParsingError as error:
                return error.get_messages()
            return [message.validation_message for message in validate_full_spdx_document(parsed)]

        def cyclonedx_faults(document):
            fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str(json.dumps(document))
            return [] if fault is None else [str(fault)]

        def in_toto_faults(document):
            try:
                # Either refuses a field that the specification has not.
                statement = json_format.ParseDict(document, statement_pb2.Statement())
                predicate = json_format.ParseDict(document["predicate"], Provenance())
                Statement.copy_from_pb(statement).validate()
                definition = predicate.build_definition
                for dependency in definition.resolved_dependencies:
                    ResourceDescriptor.copy_from_pb(dependency).validate()
                assert statement.predicate_type == "https://slsa.dev/provenance/v1"
                assert definition.build_type and definition.external_parameters and predicate.run_details.builder.id
            except (json_format.ParseError, ValueError, AssertionError) as error:
                return [repr(error)]
            return []

        VALIDATORS = {SPDX: spdx_faults, CYCLONEDX: cyclonedx_faults, IN_TOTO: in_toto_faults}

        def check_validators(found):
            """They find what is missing."""
            for kind, path in ((SPDX, ("packages", 0, "SPDXID")), (CYCLONEDX, ("metadata", "component", "name")),
                               (IN_TOTO, ("subject", 0, "digest"))):
                broken = copy.deepcopy(found[kind])
                part = broken
                for key in path[:-1]:
                    part = part[key]
                del part[path[-1]]
                assert VALIDATORS[kind](broken), kind

        def differences(components):
            """Components whose package URL says something else than they do."""
            different = []
            for component in components:
                if "purl" not in component:
                    continue
                url = PackageURL.from_string(component["purl"])
                name = "/".join(filter(None, (url.namespace, url.name)))
                isSame = name == component["name"].lower() or url.type in ("cargo", "deb") and url.name == component["name"]
                if not isSame or url.version != component.get("version"):
                    different.append(component["purl"])
            return different

        def report(repository):
            digest, found = documents(repository)
            faults = {kind: validate(found[kind]) for kind, validate in VALIDATORS.items()}
            check_validators(found)
            components = [found[CYCLONEDX]["metadata"]["component"]] + found[CYCLONEDX]["components"]
            return {
                "digest": digest, "faults": faults, "differences": differences(components),
                "components": [each["name"] + " " + each.get("version", "") for each in components],
                "packages": [each["name"] + " " + each.get("versionInfo", "") for each in found[SPDX]["packages"]],
                "subject": found[IN_TOTO]["subject"][0]["digest"],
            }

        # Programs that say what no tool chain would.

        def go_block(lines):
            def sized(content):
                length, digits = len(content), []
                while length > 0x7F:
                    digits.append(length & 0x7F | 0x80)
                    length >>= 7
                return bytes(digits + [length]) + content

            lines = ["path\tapp.example/app", "mod\tapp.example/app\tv1.0.0\t"] + lines
            text = bytes(16) + "".join(line + "\n" for line in lines).encode() + bytes(16)
            return b"\xff Go buildinf:\x08\x02" + bytes(16) + sized(b"go1.27.3") + sized(text)

        FRAGMENTS = [
            "a.example/", "A", "/", "//", "..", ".", "v1.0.0", "+incompatible", "@", "?", "#", "%", "%41", ":", "~", "!",
            "\"", "\\", "'", "<", "&", "\x1b[31m", "\x00", "\x7f", "\u00e9", "\u202e", "\U0001f600", " ", "\t", "(devel)",
            "-", "_", "SPDXRef-", "DocumentRef-x:", "urn:cdx:", "pkg:golang/", "NOASSERTION", "NONE", "x" * 200, "",
        ]

        def word():
            return "".join(random.choice(FRAGMENTS) for _ in range(random.randint(0, 5)))

        def hostile_lines():
            lines = []
            for _ in range(400):
                path = random.choice(["", "a.example/"]) + word()
                checksum = random.choice(["", "h1:", "h1:" + "A" * 43 + "=", word()])
                lines.append(f"dep\t{path}\t{word()}\t{checksum}")
                if random.random() < 0.3:
                    lines.append(f"=>\t{word()}\t{word()}\t{checksum}")
            return lines + ["build\tvcs=git", "build\tvcs.revision=" + word(), "build\tvcs.time=" + word()]
        """#
}
