import Hummingbird
import OCI
import Registry
import Storage

extension Handlers {
    /// `?name=`, again for each further one, is a repository or an image; without names it is everything.
    ///
    /// `?repair=true` also mends what can be mended, and takes no names.
    func verify() async throws -> Response {
        let names = query.items.filter { $0.name == "name" }.map(\.value)
        let repairs = query["repair"] == "true"
        guard !repairs || names.isEmpty else { throw EndpointError.malformedQuery }
        let selection = try names.isEmpty ? .everything : ImageSelection(names.map(Self.part))
        try await registry.check(selection)
        let registry = registry
        return .operation(telling: { tell in
            let progress = PacedEvents(tell)
            let report =
                repairs
                ? try await registry.repair { progress.tell($0) }
                : try await registry.verify(selection) { progress.tell($0) }
            return report.json
        })
    }
}

extension PacedEvents {
    fileprivate func tell(_ event: VerificationEvent) {
        switch event {
        case .progress(let done, let total): tellBytes(done, of: total)
        case .finding(let finding): tell(.init("finding", finding.json))
        case .restored(let digest): tell(.init("restored", .string(digest.description)))
        case .adopted(let digest): tell(.init("adopted", .string(digest.description)))
        }
    }
}

extension VerificationFinding {
    fileprivate var json: JSONValue {
        let (kind, members): (String, [JSONValue.Member]) =
            switch problem {
            case .blob(let condition, let size):
                ("blob", [.init("size", .integer(size)), .init("condition", .string(condition.name))])
            case .manifest: ("manifest", [])
            case .missing(let target, let repository):
                (
                    "reference",
                    [
                        .init("missing", .string(target.description)),
                        .init("repository", .string(repository.rawValue)),
                    ]
                )
            case .misrecorded(let repository, let isMended):
                (
                    "record",
                    [
                        .init("repository", .string(repository.rawValue)),
                        .init("mended", .bool(isMended)),
                    ]
                )
            }
        return .object(
            [
                .init("kind", .string(kind)), .init("digest", .string(digest.description)),
                .init("message", .string(description)),
            ] + members + [
                .init("images", .strings(uses.map(\.description))),
                .init("moreImages", .bool(hasMoreUses)), .init("new", .bool(isNew)),
                .init("damage", .bool(isDamage)),
            ]
        )
    }
}

extension BlobCondition {
    fileprivate var name: String {
        switch self {
        case .whole: "whole"
        case .missing: "missing"
        case .wrongSize: "wrong-size"
        case .wrongBytes: "wrong-bytes"
        case .unreadable: "unreadable"
        }
    }
}

extension VerificationReport {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("whole", .bool(isWhole)), .init("repaired", .bool(isRepaired)),
            .init("manifests", .integer(Int64(manifests))), .init("blobs", .integer(Int64(blobs))),
            .init("bytes", .integer(bytes)), .init("damaged", .integer(Int64(damaged))),
            .init("restored", .integer(Int64(restored))),
            .init(
                "records",
                .array(
                    records.map { record in
                        .object([
                            .init("kind", .string(record.kind)),
                            .init("count", .integer(Int64(record.count))),
                        ])
                    }
                )
            ),
            .init("leftovers", .integer(Int64(leftovers))),
        ]
        if let unknown {
            members.append(
                .init(
                    "unknown",
                    .object([
                        .init("files", .integer(Int64(unknown.count))),
                        .init("adopted", .integer(Int64(unknown.adopted))),
                        .init("removed", .integer(Int64(unknown.removed))),
                    ])
                )
            )
        }
        return .object(members)
    }
}
