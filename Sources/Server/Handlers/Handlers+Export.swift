import Hummingbird
import OCI
import Registry
import Storage

extension Handlers {
    /// `?path=` is the layout's folder, absolute; `?name=`, again for each further one, a repository or an image.
    ///
    /// Without names it is everything.
    func export() async throws -> Response {
        guard let path = query["path"] else { throw EndpointError.malformedQuery }
        let names = query.items.filter { $0.name == "name" }.map(\.value)
        let selection = try names.isEmpty ? .everything : ImageSelection(names.map(Self.part))
        let report = try await registry.export(selection, to: path)
        return .json(
            .object([
                .init("path", .string(path)),
                .init("tags", .integer(Int64(report.tags))),
                .init("manifests", .integer(Int64(report.manifests))),
                .init("leftOut", .integer(Int64(report.leftOut))),
            ])
        )
    }

    /// A name with a tag is an image, one without a whole repository.
    static func part(_ text: String) throws -> ImageSelection.Part {
        let name: ImageName
        do { name = try ImageName(text) } catch { throw RequestError.imageName(error) }
        guard case .tag(let tag) = name.reference else { throw ExportError.digest(name) }
        return text == name.repository.rawValue ? .repository(name.repository) : .tag(name.repository, tag)
    }
}
