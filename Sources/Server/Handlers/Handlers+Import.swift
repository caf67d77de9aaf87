import Hummingbird
import OCI
import Registry
import Storage

extension Handlers {
    /// `?path=` is the data folder of a distribution registry, absolute.
    func importDistribution() async throws -> Response {
        guard let path = query["path"] else { throw EndpointError.malformedQuery }
        let folder = try await registry.distributionFolder(at: path)
        return .operation { send in try await importAll(of: folder, send) }
    }

    private func importAll(
        of folder: DistributionFolder,
        _ send: (JSONValue.Member) async throws -> Void
    ) async throws -> JSONValue {
        let (events, continuation) = AsyncStream.makeStream(of: ImportEvent.self)
        async let report = registry.importAll(of: folder, telling: continuation)
        for await event in events { try await send(.init("progress", event.json)) }
        return try await report.json
    }
}

extension Registry {
    /// Ends the stream behind the last event.
    fileprivate func importAll(
        of folder: DistributionFolder,
        telling continuation: AsyncStream<ImportEvent>.Continuation
    ) async throws -> ImportReport {
        defer { continuation.finish() }
        return try await importAll(of: folder) { continuation.yield($0) }
    }
}

extension ImportEvent {
    fileprivate var json: JSONValue {
        switch self {
        case .progress(let done, let total):
            .object([.init("done", .integer(done)), .init("total", .integer(total))])
        case .leftOut(let item):
            .object([
                .init("leftOut", .string(item.name.printable(limit: 600))),
                .init("reason", .string(item.reason.printable(limit: 600))),
            ])
        }
    }
}

extension ImportReport {
    fileprivate var json: JSONValue {
        .object([
            .init("repositories", .integer(Int64(repositories))),
            .init("tags", .integer(Int64(tags))),
            .init("manifests", .integer(Int64(manifests))),
            .init("linked", .integer(Int64(linked))),
            .init("copied", .integer(Int64(copied))),
            .init("known", .integer(Int64(known))),
            .init("size", .integer(size)),
            .init("leftOut", .integer(Int64(leftOut))),
        ])
    }
}
