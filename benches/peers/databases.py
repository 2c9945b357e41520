"""The peers that keep vectors beside other columns in a database of their own: LanceDB, Chroma and seekdb, each embedded.

LanceDB's width is the number of partitions that it looks into; thirty times as many rows as are wanted are scored again. Chroma's and
seekdb's is fixed when the collection is made.
"""

import numpy as np

WIDTHS = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512]


def part(id):
    """Every tenth row is in parts 1 and 2, every hundredth in part 2."""
    return 2 if id % 100 == 0 else 1 if id % 10 == 0 else 0


def parts_of(ids):
    """The least part of the rows that a filter of every tenth or hundredth row allows."""
    return 1 if ids[1] - ids[0] == 10 else 2


class Database:
    batch = 1000

    def __init__(self, folder, rows, dimensions):
        self.path, self.rows, self.dimensions = str(folder / "data"), rows, dimensions

    def fill(self, base):
        self.create()
        for start in range(0, self.rows, self.batch):
            end = min(start + self.batch, self.rows)
            self.add(range(start, end), base[start:end])
        self.index()

    def index(self):
        pass

    def replace(self, vectors):
        ids = range(len(vectors))
        self.delete(ids)
        self.add(ids, vectors)

    def append(self, vectors):
        self.add(range(self.rows, self.rows + len(vectors)), vectors)

    def take_out(self, count):
        self.delete(range(self.rows, self.rows + count))


class LanceDb(Database):
    name = "LanceDB IVF-PQ"
    widths = WIDTHS
    batch = 50_000

    def __init__(self, *place):
        import lancedb

        super().__init__(*place)
        self.module = lancedb

    def connect(self):
        return self.module.connect(self.path)

    def create(self):
        import pyarrow

        vector = pyarrow.list_(pyarrow.float32(), self.dimensions)
        schema = pyarrow.schema([("n", pyarrow.int64()), ("part", pyarrow.int8()), ("v", vector)])
        self.table = self.connect().create_table("bench", schema=schema)

    def add(self, ids, vectors):
        import pyarrow

        flat = pyarrow.array(np.ascontiguousarray(vectors).reshape(-1))
        columns = {
            "n": pyarrow.array(ids, pyarrow.int64()),
            "part": pyarrow.array([part(id) for id in ids], pyarrow.int8()),
            "v": pyarrow.FixedSizeListArray.from_arrays(flat, self.dimensions),
        }
        self.table.add(pyarrow.table(columns))

    def index(self):
        partitions = max(1, min(4096, self.rows // 250))
        if self.rows >= 10_000:
            self.table.create_index(
                metric="cosine",
                vector_column_name="v",
                num_partitions=partitions,
                num_sub_vectors=self.dimensions // 8,
            )
        self.table.create_scalar_index("part", index_type="BITMAP")

    def open(self):
        self.table = self.connect().open_table("bench")

    def search(self, query, width, ids):
        search = self.table.search(query, vector_column_name="v").distance_type("cosine").nprobes(width)
        search = search.refine_factor(30).select(["n", "_distance"]).limit(10)
        if ids is not None:
            search = search.where(f"part >= {parts_of(ids)}", prefilter=True)
        return search.to_arrow()["n"].to_numpy()

    def delete(self, ids):
        self.table.delete(f"n >= {ids.start} AND n < {ids.stop}")


class Chroma(Database):
    name = "Chroma, width 100"
    widths = [0]

    def __init__(self, *place):
        import chromadb

        super().__init__(*place)
        self.module = chromadb

    def connect(self):
        quiet = self.module.Settings(anonymized_telemetry=False)
        return self.module.PersistentClient(self.path, settings=quiet)

    def create(self):
        settings = {"space": "cosine", "max_neighbors": 16, "ef_construction": 200, "ef_search": 100, "num_threads": 1}
        self.table = self.connect().create_collection(
            "bench", configuration={"hnsw": settings}, embedding_function=None
        )

    def add(self, ids, vectors):
        self.table.add(
            ids=[str(id) for id in ids],
            embeddings=np.asarray(vectors),
            metadatas=[{"part": part(id)} for id in ids],
        )

    def open(self):
        self.table = self.connect().get_collection("bench", embedding_function=None)

    def search(self, query, width, ids):
        where = None if ids is None else {"part": {"$gte": parts_of(ids)}}
        found = self.table.query(query_embeddings=query[None, :], n_results=10, where=where, include=[])
        return np.array([int(id) for id in found["ids"][0]])

    def delete(self, ids):
        self.table.delete(ids=[str(id) for id in ids])


class SeekDb(Database):
    name = "seekdb HNSW, width 100"
    widths = [0]

    def __init__(self, *place):
        import pyseekdb

        super().__init__(*place)
        self.module = pyseekdb

    def connect(self):
        return self.module.Client(path=self.path, database="test")

    def create(self):
        shape = self.module.HNSWConfiguration(
            dimension=self.dimensions, distance="cosine", M=16, ef_construction=200, ef_search=100
        )
        self.table = self.connect().create_collection("bench", configuration=shape, embedding_function=None)

    def add(self, ids, vectors):
        self.table.add(
            ids=[str(id) for id in ids],
            embeddings=np.asarray(vectors).tolist(),
            metadatas=[{"part": part(id)} for id in ids],
        )

    def index(self):
        patiently(self.table.refresh_index)

    def open(self):
        self.table = self.connect().get_collection("bench", embedding_function=None)

    def search(self, query, width, ids):
        where = None if ids is None else {"part": {"$gte": parts_of(ids)}}
        ask = lambda: self.table.query(query_embeddings=query.tolist(), n_results=10, where=where, include=[])
        return np.array([int(id) for id in patiently(ask)["ids"][0]])

    def delete(self, ids):
        self.table.delete(ids=[str(id) for id in ids])


def patiently(ask):
    """seekdb gives a statement ten seconds, and the first one after opening may need more."""
    for tries in range(60):
        try:
            return ask()
        except Exception as error:
            if "Timeout" not in str(error) or tries == 59:
                raise
