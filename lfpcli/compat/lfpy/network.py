"""Networks with LFPy's arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.compat.lfpy.connecting import Connections, Rules, connect
from lfpcli.compat.lfpy.draws import shared_seed
from lfpcli.compat.lfpy.network_run import NetworkRun, Wanted
from lfpcli.compat.lfpy.population import NetworkPopulation
from lfpcli.compat.lfpy.templatecell import NetworkCell
from lfpcli.errors import UsageError, nearest
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.synapses.bulk import detect_spikes
from lfpcli.seeds import generator

THRESHOLD = -10.0  # mV


class Network:
    """Populations of cells, and connections between them.

    Parameters
    ----------
    dt, tstart, tstop : float
        Step, begin (<= 0) and end of a run, ms; those of the cells have no say.
    v_init : float
        Initial membrane potential, mV.
    celsius : float, optional
        Temperature, degrees Celsius; that of the cells where left out.
    OUTPUTPATH : path-like
        Folder of the files that are written.
    verbose : bool
        Accepted; nothing is printed.

    Attributes
    ----------
    populations : dict of str to NetworkPopulation
    pc : ParallelContext
        NEURON's.
    """

    def __init__(
        self,
        dt: float = 0.1,
        tstart: float = 0.0,
        tstop: float = 1000.0,
        v_init: float = -65.0,
        celsius: float | None = None,
        OUTPUTPATH: str | os.PathLike[str] = "example_parallel_network",
        verbose: bool = False,
    ) -> None:
        self.dt, self.tstart, self.tstop = dt, tstart, tstop
        self.v_init, self.celsius = v_init, celsius
        self.OUTPUTPATH = str(OUTPUTPATH)
        self.verbose = verbose
        self.pc = context()
        self.populations: dict[str, NetworkPopulation] = {}
        self._seed = shared_seed()
        self._draws = 0
        if int(self.pc.id()) == 0:
            Path(self.OUTPUTPATH).mkdir(parents=True, exist_ok=True)
        self.pc.barrier()

    def create_population(
        self,
        CWD: str | os.PathLike[str] | None = None,
        CELLPATH: str | os.PathLike[str] | None = None,
        Cell: Any = NetworkCell,
        POP_SIZE: int = 4,
        name: str = "L5PC",
        cell_args: Mapping[str, Any] | None = None,
        pop_args: Mapping[str, Any] | None = None,
        rotation_args: Mapping[str, float] | None = None,
    ) -> None:
        """Add a population; see `NetworkPopulation`. Numbers of cells go on from the last one's.

        Raises
        ------
        UsageError
            Where there is a population of this name.
        """
        if name in self.populations:
            raise UsageError(f"there is a population '{name}' already", remedy="name it otherwise")
        population = NetworkPopulation(
            CWD=CWD,
            CELLPATH=CELLPATH,
            first_gid=sum(p.POP_SIZE for p in self.populations.values()),
            Cell=Cell,
            POP_SIZE=POP_SIZE,
            name=name,
            cell_args=cell_args,
            pop_args=pop_args,
            rotation_args=rotation_args,
            OUTPUTPATH=self.OUTPUTPATH,
        )
        for cell in population.cells:
            detect_spikes(cell, THRESHOLD)
        self.populations[name] = population

    def _population(self, name: str) -> NetworkPopulation:
        if name not in self.populations:
            raise UsageError(
                f"there is no population '{name}'",
                remedy=nearest(name, self.populations, "population"),
            )
        return self.populations[name]

    def get_connectivity_rand(
        self, pre: str = "L5PC", post: str = "L5PC", connprob: float = 0.2
    ) -> np.ndarray:
        """Draw which cells are connected, each pair by itself, no cell with itself.

        Parameters
        ----------
        pre, post : str
            Names of populations.
        connprob : float
            Probability of a connection.

        Returns
        -------
        ndarray of bool, shape (presynaptic cells, postsynaptic cells of this process)
        """
        sources, targets = self._population(pre), self._population(post)
        self._draws += 1
        connectivity = np.zeros((sources.POP_SIZE, len(targets.gids)), dtype=bool)
        for k, gid in enumerate(targets.gids):
            rng = generator(self._seed, "lfpy connectivity", self._draws, gid)
            connectivity[:, k] = rng.uniform(size=sources.POP_SIZE) < connprob
            if sources is targets:
                connectivity[gid - sources.first_gid, k] = False
        return connectivity

    def connect(
        self,
        pre: str,
        post: str,
        connectivity: np.ndarray,
        syntype: Any = None,
        synparams: Mapping[str, Any] | None = None,
        weightfun: Any = np.random.normal,
        weightargs: Mapping[str, Any] | None = None,
        minweight: float = 0,
        delayfun: Any = "truncnorm",
        delayargs: Mapping[str, Any] | None = None,
        mindelay: float | None = None,
        multapsefun: Any = "truncnorm",
        multapseargs: Mapping[str, Any] | None = None,
        syn_pos_args: Mapping[str, Any] | None = None,
        save_connections: bool = False,
    ) -> list[int]:
        """Make synapses from one population to another.

        Parameters
        ----------
        pre, post : str
            Names of populations.
        connectivity : ndarray of bool
            See `get_connectivity_rand`.
        syntype : class of NEURON
            ``ExpSyn`` where left out.
        synparams : mapping
            Parameters of the point process.
        weightfun, weightargs
            Weights, uS for conductances; a function of numpy.random or scipy.stats, and arguments.
        minweight : float
            Weights below are drawn again.
        delayfun, delayargs
            Delays, ms, likewise.
        mindelay : float, optional
            Delays below are drawn again, ms; the step of the run where left out.
        multapsefun, multapseargs
            Synapses of a connection; None is one.
        syn_pos_args : mapping
            Arguments of `Cell.get_rand_idx_area_and_distribution_norm`.
        save_connections : bool
            Whether all synapses are written to ``synapse_connections.h5`` in `OUTPUTPATH`.

        Returns
        -------
        list of int
            Numbers of connections and of synapses, of all processes.
        """
        rules = Rules.of_lfpy(
            syntype=syntype,
            synparams=synparams,
            weight=(weightfun, weightargs),
            least_weight=minweight,
            delay=(delayfun, delayargs),
            least_delay=self.dt if mindelay is None else mindelay,
            count=(multapsefun, multapseargs),
            places=syn_pos_args,
        )
        self._draws += 1
        connections = Connections(
            sources=self._population(pre),
            targets=self._population(post),
            connectivity=np.asarray(connectivity, dtype=bool),
            seed=self._seed,
            number=self._draws,
        )
        return connect(connections, rules, Path(self.OUTPUTPATH) if save_connections else None)

    def enable_extracellular_stimulation(
        self, electrode: Any, t_ext: Any = None, n: int = 1, model: str = "inf"
    ) -> None:
        """Let currents of electrodes act on all cells; see `Cell`."""
        for population in self.populations.values():
            for cell in population.cells:
                # currents without times have those of the network's run
                cell.settings = self._settings()
                cell.enable_extracellular_stimulation(electrode, t_ext=t_ext, n=n, model=model)

    def simulate(
        self,
        probes: Sequence[Any] | None = None,
        rec_imem: bool = False,
        rec_vmem: bool = False,
        rec_ipas: bool = False,
        rec_icap: bool = False,
        rec_isyn: bool = False,
        rec_vmemsyn: bool = False,
        rec_istim: bool = False,
        rec_pop_contributions: bool = False,
        rec_variables: Sequence[str] = (),
        variable_dt: bool = False,
        atol: float = 0.001,
        to_memory: bool = True,
        to_file: bool = False,
        file_name: str = "OUTPUT.h5",
        use_ipas: bool = False,
        use_icap: bool = False,
        use_isyn: bool = False,
    ) -> dict[str, list[Any]] | None:
        """Run the network.

        Parameters
        ----------
        probes : sequence, optional
            Each gets its measurement in `data` on the first process, a structured array of shape
            (C, T): the field ``imem``, and what `rec_pop_contributions`, `use_ipas`, `use_icap`
            and `use_isyn` add.
        rec_imem, rec_vmem, rec_ipas, rec_icap : bool
            Whether cells keep `imem`, `ipas` and `icap` (nA) and `vmem` (mV), shape (N, T).
        rec_isyn, rec_vmemsyn, rec_istim : bool
            Accepted: `record_current` and `record_potential` of synapses and electrodes decide.
        rec_pop_contributions : bool
            Whether measurements also have a field for each population.
        rec_variables : sequence of str
            Range variables that cells keep in `rec_variables`.
        variable_dt : bool
            Whether NEURON's variable step is used; samples are those of the grid of `dt`.
        atol : float
            Its error bound.
        to_memory : bool
            Accepted; measurements always are in `data`.
        to_file : bool
            Whether measurements are also written to `file_name` in `OUTPUTPATH`, each as
            ``<class><number>``.
        use_ipas, use_icap, use_isyn : bool
            Whether measurements also have fields of what passive, capacitive and synaptic
            currents (``isyn_e`` with a reversal potential above -50 mV, ``isyn_i``) make.

        Returns
        -------
        dict or None
            ``times`` (ms) and ``gids``, for each population lists by cell; None on processes other
            than the first.
        """
        wanted = Wanted(
            imem=rec_imem,
            vmem=rec_vmem,
            ipas=rec_ipas,
            icap=rec_icap,
            variables=tuple(rec_variables),
            per_population=rec_pop_contributions,
            parts=tuple(
                name
                for name, is_used in (("ipas", use_ipas), ("icap", use_icap), ("isyn", use_isyn))
                if is_used
            ),
        )
        settings = self._settings(adaptive=variable_dt, atol=atol)
        run = NetworkRun(self.populations, list(probes or ()), wanted, settings)
        spikes = run()
        if to_file and int(self.pc.id()) == 0:
            run.write(Path(self.OUTPUTPATH) / file_name)
        return spikes

    def _settings(self, **others: Any) -> RunSettings:
        celsius = self.celsius
        if celsius is None:
            cells = [cell for p in self.populations.values() for cell in p.cells]
            # NEURON has one temperature for all
            temperatures = {cell.celsius for cell in cells} or {float(nrn().celsius)}
            if len(temperatures) > 1:
                raise UsageError(
                    f"cells have temperatures {sorted(temperatures)}",
                    remedy="give the network one, with celsius=",
                )
            celsius = temperatures.pop()
        return RunSettings(
            tstop=self.tstop,
            dt=self.dt,
            tstart=self.tstart,
            v_init=self.v_init,
            celsius=celsius,
            **others,
        )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{p.name}: {p.POP_SIZE}" for p in self.populations.values())
        return f"Network({sizes or 'no populations'})"
