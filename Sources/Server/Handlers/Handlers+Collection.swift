import Hummingbird
import OCI
import Registry
import Storage

extension Handlers {
    /// `?dry-run=true` only tells what would go.
    ///
    /// Lines of JSON: `{"progress":{"kind":"tag",…}}` for each thing that goes, and the totals as the result.
    func collect() throws -> Response {
        let isForecast: Bool
        switch query["dry-run"] {
        case nil, "false": isForecast = false
        case "true": isForecast = true
        default: throw EndpointError.malformedQuery
        }
        return .operation { [registry] send in
            if isForecast {
                try await registry.forecastCollection { try await send(.init("progress", $0.json)) }.json
            } else {
                try await registry.collect { try await send(.init("progress", $0.json)) }.json
            }
        }
    }
}

extension CollectedItem {
    /// What it is, and why it goes.
    fileprivate var json: JSONValue {
        switch self {
        case .upload(let session):
            var members: [JSONValue.Member] = [
                .init("kind", .string("upload")), .init("id", .string(session.id.rawValue)),
            ]
            if let name = session.header?.repository {
                members.append(.init("repository", .string(name.rawValue)))
            }
            members += [
                .init("size", .integer(session.offset)),
                .init("reason", .string("nothing was sent since \(session.lastActivity.rfc3339)")),
            ]
            return .object(members)
        case .tag(let tag, let rule):
            return .object([
                .init("kind", .string("tag")),
                .init("repository", .string(tag.repository.rawValue)),
                .init("tag", .string(tag.tag.rawValue)),
                .init("digest", .string(tag.digest.description)),
                .init("reason", .string(Self.reason(tag, rule))),
            ])
        case .manifest(let manifest):
            let reason =
                manifest.untagged.map { "nothing has named it since \($0.rfc3339)" }
                ?? "the other parts of its build never came"
            return .object([
                .init("kind", .string("manifest")),
                .init("repository", .string(manifest.repository.rawValue)),
                .init("digest", .string(manifest.digest.description)),
                .init("size", .integer(manifest.size)),
                .init("reason", .string(reason)),
            ])
        case .blob(let record):
            return .object([
                .init("kind", .string("blob")),
                .init("digest", .string(record.digest.description)),
                .init("size", .integer(record.size)),
                .init("reason", .string("no manifest needs it")),
            ])
        }
    }

    private static func reason(_ tag: RemovedTag, _ rule: RetentionRule?) -> String {
        guard let rule else { return tag.expired.map { "it expired \($0.rfc3339)" } ?? "it is not kept" }
        let pulled = tag.use?.pulled.map { "pulled \($0.rfc3339)" } ?? "never pulled"
        let pushed = tag.use.map { "pushed \($0.pushed.rfc3339), \(pulled): " } ?? ""
        return "\(pushed)not kept by \(rule)"
    }
}

extension CollectionTotals {
    fileprivate var json: JSONValue {
        .object([
            .init("uploads", .integer(Int64(uploads))),
            .init("tags", .integer(Int64(tags))),
            .init("manifests", .integer(Int64(manifests))),
            .init("blobs", .integer(Int64(blobs))),
            .init("bytes", .integer(bytes)),
        ])
    }
}
