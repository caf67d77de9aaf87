import Hummingbird
import OCI
import Registry

extension Handlers {
    /// `?path=` is the folder of backups, absolute; `?keep=` how many stay in it, `?copy=true` copies rather than links.
    func backUp() async throws -> Response {
        guard let path = query["path"], let count = Int(query["keep"] ?? "1"), count > 0 else {
            throw EndpointError.malformedQuery
        }
        let (registry, copies) = (registry, query["copy"] == "true")
        return .operation(telling: { tell in
            let progress = PacedEvents(tell)
            let report = try await registry.backUp(to: path, keeping: count, copies: copies) { done, total in
                progress.tellBytes(done, of: total)
            }
            return .object([
                .init("path", .string(report.path)),
                .init("blobs", .integer(Int64(report.blobs))),
                .init("size", .integer(report.size)),
                .init("new", .integer(Int64(report.new))),
                .init("copied", .integer(report.copied)),
                // All of them would be what berth verify is for.
                .init("lost", .strings(report.lost.prefix(64).map(\.description))),
                .init("lostCount", .integer(Int64(report.lost.count))),
                .init("removed", .integer(Int64(report.removed))),
            ])
        })
    }
}
