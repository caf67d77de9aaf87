import OCI
import Packager
import Registry
import Storage

extension ImageDescription {
    /// The description for programs.
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("name", .string(image.name.description)),
            .init("reference", .string(reference)),
            .init("digest", .string(image.digest.description)),
            .init("mediaType", .string(image.mediaType.rawValue)),
        ]
        if let type = image.artifactType { members.append(.init("artifactType", .string(type.rawValue))) }
        if let dates = image.dates {
            members.append(.init("pushed", .string(dates.pushed.rfc3339)))
            if let tagged = dates.tagged { members.append(.init("tagged", .string(tagged.rfc3339))) }
            if let expires = dates.expires { members.append(.init("expires", .string(expires.rfc3339))) }
        }
        members.append(.init("size", .integer(image.size)))
        if !image.annotations.isEmpty { members.append(.init("annotations", .sorted(image.annotations))) }
        members += image.referrers.members
        members.append(.init("parts", .array(image.parts.map(\.json))))
        if image.hasMoreParts { members.append(.init("hasMoreParts", .bool(true))) }
        return .object(members)
    }
}

extension ImageDetails.Part {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [.init("digest", .string(digest.description))]
        if let platform { members.append(.init("platform", .string(platform.description))) }
        members.append(.init("size", .integer(size)))
        if let executable { members.append(.init("executable", executable.json)) }
        if let configuration {
            if let created = configuration.created { members.append(.init("created", .string(created))) }
            members.append(.init("configuration", configuration.execution.json))
        }
        if !layers.isEmpty { members.append(.init("layers", .array(layers.map(\.json)))) }
        if !annotations.isEmpty { members.append(.init("annotations", .sorted(annotations))) }
        members += referrers.members
        return .object(members)
    }
}

extension ImageDetails.Referrers {
    fileprivate var members: [JSONValue.Member] {
        guard !descriptors.isEmpty else { return [] }
        return [.init("referrers", .array(descriptors.map(\.json)))]
            + (hasMore ? [.init("hasMoreReferrers", .bool(true))] : [])
    }
}

extension PackagedExecutable {
    fileprivate var json: JSONValue {
        .object([
            .init("path", .string(path)),
            .init("digest", .string(digest.description)),
            .init("size", .integer(Int64(clamping: size))),
        ])
    }
}
